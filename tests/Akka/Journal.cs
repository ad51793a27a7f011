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

    /// <summary>The first member of a cluster, which joins itself.</summary>
    public static ActorSystem NewMember(string more)
    {
        var system = ActorSystem.Create("test", global::Akka.Configuration.ConfigurationFactory.ParseString(more)
            .WithFallback(global::Akka.Configuration.ConfigurationFactory.ParseString("""
                akka.actor.provider = cluster
                akka.remote.dot-netty.tcp { hostname = "127.0.0.1", port = 0 }
                akka.persistence.journal.plugin = "akka.persistence.journal.inmem"
                akka.persistence.snapshot-store.plugin = "akka.persistence.snapshot-store.inmem"
                """)));
        var cluster = global::Akka.Cluster.Cluster.Get(system);
        cluster.Join(cluster.SelfAddress);
        return system;
    }
#else
    public static ActorSystem NewSystem() => NewSystem(new MemoryEngineStore(new MemoryEngineDatabase(TimeProvider.System)));

    public static ActorSystem NewSystem(IEngineStore store, string more = "") => EngineSystem.Create(
        "test",
        global::Akka.Configuration.ConfigurationFactory.ParseString(more)
            .WithFallback(global::Akka.TestKit.Xunit2.TestKit.DefaultConfig),
        new EngineSetup { Store = store });

    /// <summary>The first member of a cluster that is in a memory of its own.</summary>
    public static ActorSystem NewMember(string more) => EngineSystem.Create(
        "test",
        global::Akka.Configuration.ConfigurationFactory.ParseString(more).WithFallback(
            global::Akka.Configuration.ConfigurationFactory.ParseString("""
                akka.loggers = []
                akka.remote.dot-netty.tcp { hostname = "127.0.0.1", port = 0 }
                orchestrator.sharding.leave-linger = 0
                """)),
        new EngineSetup { Store = new MemoryEngineStore(new MemoryEngineDatabase(TimeProvider.System)) });
#endif
}
