import com.sun.tools.attach.VirtualMachine;
import java.util.Map;
import java.util.TreeMap;
import javax.management.Attribute;
import javax.management.MBeanAttributeInfo;
import javax.management.MBeanServerConnection;
import javax.management.ObjectName;
import javax.management.remote.JMXConnector;
import javax.management.remote.JMXConnectorFactory;
import javax.management.remote.JMXServiceURL;

/**
 * An operator's JMX tool: {@code BalloonClient PID} prints the attributes of the balloon's MXBean, one NAME=VALUE a line, and
 * nothing if it is not there; {@code BalloonClient PID true|false} sets its switch first.
 */
public final class BalloonClient {
    private BalloonClient() {}

    public static void main(String[] args) throws Exception {
        VirtualMachine vm = VirtualMachine.attach(args[0]);
        String url = vm.startLocalManagementAgent();
        vm.detach();
        try (JMXConnector connector = JMXConnectorFactory.connect(new JMXServiceURL(url))) {
            MBeanServerConnection server = connector.getMBeanServerConnection();
            ObjectName balloon = new ObjectName("org.aerostat:type=HeapBalloon");
            if (!server.isRegistered(balloon)) {
                return;
            }
            if (args.length > 1) {
                server.setAttribute(balloon, new Attribute("Enabled", Boolean.valueOf(args[1])));
            }
            Map<String, Object> values = new TreeMap<>();
            for (MBeanAttributeInfo attribute : server.getMBeanInfo(balloon).getAttributes()) {
                values.put(attribute.getName(), server.getAttribute(balloon, attribute.getName()));
            }
            values.forEach((name, value) -> System.out.println(name + "=" + value));
        }
    }
}
