import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.HttpURLConnection;
import java.net.InetAddress;
import java.net.URI;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.SplittableRandom;
import java.util.concurrent.atomic.AtomicReferenceArray;
import org.eclipse.jetty.http.HttpHeader;
import org.eclipse.jetty.io.Content.Source;
import org.eclipse.jetty.server.Handler;
import org.eclipse.jetty.server.Request;
import org.eclipse.jetty.server.Response;
import org.eclipse.jetty.server.Server;
import org.eclipse.jetty.server.ServerConnector;
import org.eclipse.jetty.util.Callback;
import org.eclipse.jetty.util.thread.QueuedThreadPool;

/**
 * An HTTP server that keeps pages in its heap: GET /page/N reads one, PUT /page/N replaces it. The clients, over the loopback
 * interface in the same JVM, know what each page has to be.
 */
final class JettyWorkload implements Program {
    private static final int PAGE_BYTES = 4096;
    private static final String VERSION = "X-Version";
    private static final String CHECKSUM = "X-Checksum";

    private record Page(long version, byte[] content) {}

    private final AtomicReferenceArray<Page> pages;
    private final String address;

    private JettyWorkload(int count) throws Exception {
        pages = new AtomicReferenceArray<>(count);
        for (int number = 0; number < count; number++) {
            pages.set(number, new Page(0, Content.bytes(number, 0, PAGE_BYTES)));
        }
        Server server = new Server(new QueuedThreadPool(12));
        ServerConnector connector = new ServerConnector(server, 1, 1);
        connector.setHost(InetAddress.getLoopbackAddress().getHostAddress());
        server.addConnector(connector);
        server.setHandler(new Pages());
        server.start();
        address = "http://" + connector.getHost() + ":" + connector.getLocalPort() + "/page/";
    }

    public static void main(String[] args) throws Exception {
        Console.serve(new JettyWorkload((int) (Console.liveBytes(args) / PAGE_BYTES)));
    }

    private final class Pages extends Handler.Abstract {
        @Override
        public boolean handle(Request request, Response response, Callback callback) throws IOException {
            int number = Integer.parseInt(Request.getPathInContext(request).substring("/page/".length()));
            if (request.getMethod().equals("PUT")) {
                put(number, request, response, callback);
            } else {
                get(number, response, callback);
            }
            return true;
        }

        private void get(int number, Response response, Callback callback) {
            Page page = pages.get(number);
            response.getHeaders().put(VERSION, page.version());
            response.getHeaders().put(CHECKSUM, Content.checksum(page.content()));
            response.getHeaders().put(HttpHeader.CONTENT_LENGTH, page.content().length);
            response.write(true, ByteBuffer.wrap(page.content()), callback);
        }

        private void put(int number, Request request, Response response, Callback callback) throws IOException {
            ByteBuffer received = Source.asByteBuffer(request);
            byte[] content = new byte[received.remaining()];
            received.get(content);
            boolean intact = Content.checksum(content) == request.getHeaders().getLongField(CHECKSUM);
            if (intact) {
                pages.set(number, new Page(request.getHeaders().getLongField(VERSION), content));
            }
            response.setStatus(intact ? 204 : 400);
            callback.succeeded();
        }
    }

    @Override
    public void request(SplittableRandom random) throws Exception {
        int number = random.nextInt(pages.length());
        if (random.nextInt(100) < 80) {
            read(number);
        } else {
            replace(number, random.nextInt(1 << 30));
        }
    }

    private HttpURLConnection open(int number) throws IOException {
        HttpURLConnection to = (HttpURLConnection) URI.create(address + number).toURL().openConnection();
        to.setConnectTimeout(60_000);
        to.setReadTimeout(60_000);
        return to;
    }

    private void read(int number) throws Exception {
        HttpURLConnection from = open(number);
        byte[] body;
        try (InputStream in = from.getInputStream()) { // read to its end: the connection is used again
            body = in.readAllBytes();
        }
        Program.require(from.getResponseCode() == 200, "status " + from.getResponseCode());
        Program.require(from.getHeaderFieldInt(CHECKSUM, 0) == Content.checksum(body), "checksum of page " + number);
        long version = from.getHeaderFieldLong(VERSION, -1);
        Program.require(Arrays.equals(body, Content.bytes(number, version, PAGE_BYTES)), "content of page " + number);
    }

    private void replace(int number, long version) throws Exception {
        byte[] content = Content.bytes(number, version, PAGE_BYTES);
        HttpURLConnection to = open(number);
        to.setRequestMethod("PUT");
        to.setRequestProperty(VERSION, Long.toString(version));
        to.setRequestProperty(CHECKSUM, Integer.toString(Content.checksum(content)));
        to.setDoOutput(true);
        to.setFixedLengthStreamingMode(content.length);
        try (OutputStream out = to.getOutputStream()) {
            out.write(content);
        }
        Program.require(to.getResponseCode() == 204, "status " + to.getResponseCode());
        to.getInputStream().close();
    }

    @Override
    public long checkAll() throws Exception {
        for (int number = 0; number < pages.length(); number++) {
            read(number);
        }
        return pages.length();
    }
}
