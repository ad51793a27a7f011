using System.Security.Cryptography.X509Certificates;
using Orchestrator.Engine.Memory;

namespace Orchestrator.Tests.Engine;

public sealed class TransportTests
{
    private readonly MemoryEngineDatabase database = new(TimeProvider.System);

    [Fact]
    public async Task Nodes_with_certificates_of_one_authority_talk_and_others_are_kept_out()
    {
        using var authority = TestCertificates.Authority();
        using var foreign = TestCertificates.Authority();
        await using var a = new TestNode(new MemoryEngineStore(database), identity: Identity(authority, authority));
        await using var b = new TestNode(new MemoryEngineStore(database), identity: Identity(authority, authority));
        await a.SeesAsync(v => v.Members.Length == 2 && v.Shards.Count == 12 && v.Shards.Values.All(s => s.Next is null && s.Owner is not null)
            && v.Members.All(m => v.Shards.Values.Any(s => s.Owner == m.Node.Id)));
        for (var n = 0; n < 20; n++) Assert.Equal(1, (await a.AddAsync($"x{n}", 1)).Sum);
        for (var n = 0; n < 20; n++) Assert.Equal(1, (await b.SumAsync($"x{n}")).Sum);

        await using var stranger = new TestNode(new MemoryEngineStore(database), identity: Identity(foreign, foreign));
        await stranger.Membership.Joined;
        var theirs = Enumerable.Range(0, 20).Select(n => stranger.SumAsync($"x{n}", TimeSpan.FromSeconds(1))).ToArray();
        var failures = 0;
        foreach (var sum in theirs)
        {
            try
            {
                if ((await sum).Node != stranger.Cluster.SelfAddress.ToString()) Assert.Fail("a stranger was answered by a node");
            }
            catch (Exception e) when (e is Akka.Actor.AskTimeoutException or TaskCanceledException)
            {
                failures++;
            }
        }

        Assert.True(failures > 0);
    }

    private static FixedIdentity Identity(X509Certificate2 signer, X509Certificate2 trusted) =>
        new(TestCertificates.Issue(signer), trusted);
}
