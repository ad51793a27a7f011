using System.Diagnostics.CodeAnalysis;
using Akka.Actor;
using Akka.Configuration;
using Akka.Event;
using Orchestrator.Engine;
using Xunit.Abstractions;

namespace Akka.TestKit.Xunit2;

/// <summary>The base of a test class: a system of its own, which ends with the test. What the test's own code tells has
/// <see cref="TestKitBase.TestActor"/> as its sender.</summary>
public class TestKit : TestKitBase, IDisposable
{
    [SuppressMessage("Design", "CA1051", Justification = "The field is Akka.NET's.")]
    [SuppressMessage("Style", "IDE1006", Justification = "The name is Akka.NET's.")]
    protected readonly ITestOutputHelper? Output;

    private readonly IDisposable? _log;

    public TestKit(ActorSystem? system = null, ITestOutputHelper? output = null)
        : base(system ?? ActorSystem.Create("test", DefaultConfig), "testActor")
    {
        Output = output;
        if (output is not null) _log = EngineSystem.OnEvent<LogEvent>(Sys, Write);
        ImplicitSender.Set(TestActor);
    }

    public TestKit(Config config, string? actorSystemName = null, ITestOutputHelper? output = null)
        : this(ActorSystem.Create(actorSystemName ?? "test", config.WithFallback(DefaultConfig)), output) { }

    public TestKit(string config, ITestOutputHelper? output = null)
        : this(ConfigurationFactory.ParseString(config), null, output) { }

    public static Config DefaultConfig { get; } = ConfigurationFactory.ParseString("""
        akka.loggers = []
        akka.test.single-expect-default = 3 s
        akka.coordinated-shutdown.run-by-actor-system-terminate = off
        """);


    public void Dispose()
    {
        Dispose(disposing: true);
        GC.SuppressFinalize(this);
    }

    /// <summary>Ends the system; waits up to ten seconds for it.</summary>
    /// <summary>Called when the test has ended; the system ends after it.</summary>
    protected virtual void AfterAll() { }

    protected virtual void Dispose(bool disposing)
    {
        if (!disposing) return;
        ImplicitSender.Set(null);
        try { AfterAll(); }
        finally { Shutdown(); }
        _log?.Dispose();
    }

    private void Write(LogEvent line)
    {
        try
        {
            Output!.WriteLine(line.ToString());
        }
        catch (InvalidOperationException)
        {
            // The test is over; xunit takes no more lines.
        }
    }
}
