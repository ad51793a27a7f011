using System.Diagnostics;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using Orchestrator.Engine;

namespace Orchestrator.Bench.Engine;

/// <summary>A bare TLS connection on which so many bytes are answered by so many: what the network, the kernel and the
/// cipher cost when no actor is involved. All that waits goes out in one write, on both sides.</summary>
internal static class Echo
{
    public static async Task Serve(RemoteIdentity identity, int ask, int reply, Action<int> listening)
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        listening(((IPEndPoint)listener.LocalEndpoint).Port);
        while (true)
        {
            using var client = await listener.AcceptTcpClientAsync();
            client.NoDelay = true;
            await using var stream = new SslStream(client.GetStream());
            await stream.AuthenticateAsServerAsync(new SslServerAuthenticationOptions
            {
                ServerCertificateContext = identity.Own,
                ClientCertificateRequired = true,
                EnabledSslProtocols = SslProtocols.Tls13,
                RemoteCertificateValidationCallback = (_, peer, _, _) => identity.Refuse(peer as X509Certificate2, null) is null,
            });
            var (input, output) = (new byte[64 * 1024], new byte[1024 * 1024]);
            var waiting = 0;
            while (await stream.ReadAsync(input) is > 0 and var got)
            {
                waiting += got;
                var whole = waiting / ask;
                waiting -= whole * ask;
                if (whole > 0) await stream.WriteAsync(output.AsMemory(0, whole * reply));
            }
        }
    }

    public static async Task<SslStream> Connect(RemoteIdentity identity, int port)
    {
        var client = new TcpClient { NoDelay = true };
        await client.ConnectAsync(IPAddress.Loopback, port);
        var stream = new SslStream(client.GetStream());
        await stream.AuthenticateAsClientAsync(new SslClientAuthenticationOptions
        {
            TargetHost = "echo",
            ClientCertificateContext = identity.Own,
            EnabledSslProtocols = SslProtocols.Tls13,
            RemoteCertificateValidationCallback = (_, peer, _, _) => identity.Refuse(peer as X509Certificate2, null) is null,
        });
        return stream;
    }

    /// <summary>Answers per second with so many questions under way.</summary>
    public static async Task<double> Rate(SslStream stream, int ask, int reply, int parallel, TimeSpan length)
    {
        var (input, output) = (new byte[64 * 1024], new byte[parallel * ask]);
        var clock = Stopwatch.StartNew();
        await stream.WriteAsync(output);
        long answers = 0, bytes = 0;
        var open = parallel;
        while (open > 0)
        {
            bytes += await stream.ReadAsync(input);
            var whole = (int)(bytes / reply);
            bytes -= (long)whole * reply;
            answers += whole;
            if (clock.Elapsed < length && whole > 0) await stream.WriteAsync(output.AsMemory(0, whole * ask));
            else open -= whole;
        }

        return answers / clock.Elapsed.TotalSeconds;
    }

    /// <summary>One question at a time, so many per second.</summary>
    public static async Task<Spread> Paced(SslStream stream, int ask, int reply, int perSecond, TimeSpan length)
    {
        var (input, output) = (new byte[reply], new byte[ask]);
        var times = new List<TimeSpan>();
        await Pace.Keep(perSecond, length, async due =>
        {
            await stream.WriteAsync(output);
            await stream.ReadExactlyAsync(input);
            times.Add(Stopwatch.GetElapsedTime(due));
        }, oneByOne: true);
        return new Spread(times);
    }
}

/// <summary>Begins a piece of work so many times a second, and says when each was due: a late beginning counts.</summary>
internal static class Pace
{
    public static async Task Keep(int perSecond, TimeSpan length, Func<long, Task> work, bool oneByOne)
    {
        var began = Stopwatch.GetTimestamp();
        var step = (double)Stopwatch.Frequency / perSecond;
        var count = (int)(length.TotalSeconds * perSecond);
        var under = new List<Task>(count);
        using var beat = new PeriodicTimer(TimeSpan.FromMilliseconds(1));
        for (var n = 0; n < count;)
        {
            var now = Stopwatch.GetTimestamp();
            if (now < began + (long)(n * step))
            {
                await beat.WaitForNextTickAsync();
                continue;
            }

            // The timer's own granularity is not the measured side's: what is due since the last beat is due now.
            n++;
            var task = work(now);
            if (oneByOne) await task;
            else under.Add(task);
        }

        await Task.WhenAll(under);
    }
}
