using Akka.Actor;
#if !AKKA_PACKAGES
using Orchestrator.Engine;
using Orchestrator.Engine.Memory;
#endif

namespace Orchestrator.Tests.Akka;

/// <summary>A system with a journal in memory, in either of the two ways to build.</summary>
internal static class Journal
{
#if AKKA_PACKAGES
    public static ActorSystem NewSystem() => ActorSystem.Create("test", """
        akka.persistence.journal.plugin = "akka.persistence.journal.inmem"
        akka.persistence.snapshot-store.plugin = "akka.persistence.snapshot-store.inmem"
        """);
#else
    public static ActorSystem NewSystem() => NewSystem(new MemoryEngineStore(new MemoryEngineDatabase(TimeProvider.System)));

    public static ActorSystem NewSystem(IEngineStore store, string more = "") => EngineSystem.Create(
        "test",
        global::Akka.Configuration.ConfigurationFactory.ParseString(more)
            .WithFallback(global::Akka.TestKit.Xunit2.TestKit.DefaultConfig),
        new EngineSetup { Store = store });
#endif
}
