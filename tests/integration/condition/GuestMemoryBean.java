import java.lang.management.ManagementFactory;
import javax.management.MBeanAttributeInfo;
import javax.management.MBeanServer;
import javax.management.ObjectName;

/** What an operator's tool reads of org.aerostat:type=GuestMemory. Apart from ConditionClient, which runs without JMX, too. */
final class GuestMemoryBean {
    private GuestMemoryBean() {}

    static String read() {
        try {
            MBeanServer server = ManagementFactory.getPlatformMBeanServer();
            ObjectName name = new ObjectName("org.aerostat:type=GuestMemory");
            if (!server.isRegistered(name)) {
                return "none=yes";
            }
            StringBuilder text = new StringBuilder();
            for (MBeanAttributeInfo attribute : server.getMBeanInfo(name).getAttributes()) {
                text.append(attribute.getName()).append('=').append(server.getAttribute(name, attribute.getName())).append(' ');
            }
            return text.toString();
        } catch (javax.management.JMException refused) {
            throw new IllegalStateException(refused);
        }
    }
}
