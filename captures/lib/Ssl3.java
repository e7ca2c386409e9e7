import java.io.*;
import java.security.*;
import javax.net.ssl.*;

/** A server and a client that speak SSL 3.0, the client also with an SSL 2.0 hello. */
public class Ssl3 {
    public static void main(String[] a) throws Exception {
        Security.setProperty("jdk.tls.disabledAlgorithms", "");
        Security.setProperty("jdk.tls.legacyAlgorithms", "");
        int port = Integer.parseInt(a[1]);
        KeyStore store = KeyStore.getInstance("PKCS12");
        store.load(new FileInputStream(a[0]), "secret".toCharArray());
        KeyManagerFactory keys = KeyManagerFactory.getInstance("SunX509");
        keys.init(store, "secret".toCharArray());
        TrustManager[] all = {new X509TrustManager() {
            public void checkClientTrusted(java.security.cert.X509Certificate[] c, String s) {}
            public void checkServerTrusted(java.security.cert.X509Certificate[] c, String s) {}
            public java.security.cert.X509Certificate[] getAcceptedIssuers() { return new java.security.cert.X509Certificate[0]; }
        }};
        SSLContext context = SSLContext.getInstance("TLS");
        context.init(keys.getKeyManagers(), all, null);
        String[] suites = {"SSL_RSA_WITH_3DES_EDE_CBC_SHA"};
        SSLServerSocket server = (SSLServerSocket) context.getServerSocketFactory().createServerSocket(port);
        server.setEnabledProtocols(new String[] {"SSLv3", "SSLv2Hello"});
        server.setEnabledCipherSuites(suites);
        Thread t = new Thread(() -> {
            try (SSLSocket s = (SSLSocket) server.accept()) {
                s.getInputStream().read(new byte[100]);
                s.getOutputStream().write("answer".getBytes());
            } catch (Exception e) { e.printStackTrace(); }
        });
        t.start();
        try (SSLSocket c = (SSLSocket) context.getSocketFactory().createSocket("127.0.0.1", port)) {
            c.setEnabledProtocols(new String[] {"SSLv3", "SSLv2Hello"});
            c.setEnabledCipherSuites(suites);
            c.getOutputStream().write("question".getBytes());
            c.getInputStream().read(new byte[100]);
        }
        t.join();
    }
}
