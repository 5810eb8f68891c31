import org.eclipse.jetty.server.Server;
import org.eclipse.jetty.server.ServerConnector;
import software.amazon.dynamodb.services.local.main.ServerRunner;
import software.amazon.dynamodb.services.local.server.DynamoDBProxyServer;

/**
 * Runs DynamoDB Local on 127.0.0.1 only, until the process that started it ends. By itself it
 * listens on every address of the machine, and has no option to change that.
 */
public class Loopback {
    public static void main(String[] args) throws Exception {
        ProcessHandle.current().parent().ifPresent(starter -> starter.onExit().thenRun(() -> Runtime.getRuntime().halt(0)));
        DynamoDBProxyServer dynamodb = ServerRunner.createServerFromCommandLineArgs(args);
        var field = DynamoDBProxyServer.class.getDeclaredField("server");
        field.setAccessible(true);
        for (var connector : ((Server) field.get(dynamodb)).getConnectors()) {
            ((ServerConnector) connector).setHost("127.0.0.1");
        }
        dynamodb.start();
        dynamodb.join();
    }

    /** LocalStack starts DynamoDB Local with an agent, which this is in place of its own: it changes nothing. */
    public static void premain(String arguments) {}
}
