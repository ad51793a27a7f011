using Akka.Configuration;

namespace Orchestrator.Engine.Remote;

internal sealed record RemoteSettings(
    string BindHost, string PublicHost, int Port, int MaximumFrame, int SendQueue, TimeSpan BackoffMin, TimeSpan BackoffMax,
    TimeSpan ConnectTimeout, int HalfOpenPerPeer, int HalfOpen)
{
    /// <summary>Without an acknowledgement for so long the way to a member counts as cut.</summary>
    public TimeSpan CutAfter { get; init; } = TimeSpan.FromMilliseconds(500);


    public static RemoteSettings Read(Config config)
    {
        var host = config.GetString("akka.remote.dot-netty.tcp.hostname", "127.0.0.1")!;
        return new RemoteSettings(
            host,
            config.GetString("akka.remote.dot-netty.tcp.public-hostname", host)!,
            config.GetInt("akka.remote.dot-netty.tcp.port", 0),
            (int)(config.GetByteSize("akka.remote.dot-netty.tcp.maximum-frame-size", 4 << 20) ?? (4 << 20)),
            config.GetInt("orchestrator.remote.send-queue", 20_000),
            config.GetTimeSpan("orchestrator.remote.backoff-min", TimeSpan.FromMilliseconds(50)),
            config.GetTimeSpan("orchestrator.remote.backoff-max", TimeSpan.FromSeconds(1)),
            config.GetTimeSpan("orchestrator.remote.connect-timeout", TimeSpan.FromSeconds(2)),
            config.GetInt("orchestrator.remote.half-open-per-peer", 32),
            config.GetInt("orchestrator.remote.half-open", 512))
        {
            CutAfter = config.GetTimeSpan("orchestrator.remote.cut-after", TimeSpan.FromMilliseconds(500)),
        };
    }
}
