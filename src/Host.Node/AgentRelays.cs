using System.Collections.Concurrent;
using System.Net;
using Orchestrator.Agent.Protocol;
using Orchestrator.Engine;

namespace Orchestrator.Host.Node;

/// <summary>The ways to agents by way of other engine nodes. Those pass bytes on and see ciphertext: TLS is between this node and
/// the agent, with the same certificates as on the straight way.</summary>
internal sealed class AgentRelays(NodePipes pipes, LiveCredentials credentials, Action<Uri, string> staysBehind) : IDisposable
{
    /// <summary>When many hosts are lost at the same time their questions wait for each other and not for the handshakes of all.</summary>
    private const int AtOnce = 32;

    private readonly ConcurrentDictionary<(string Host, int Port), Lazy<AgentTransport>> _by = new();
    private readonly SemaphoreSlim _turns = new(AtOnce);

    public IEnumerable<AgentWay> To(Uri agent) => pipes.Others().Select(node =>
        new AgentWay($"{node.Host}:{node.Port}", new AgentClient(By(node.Host, node.Port), agent)));

    public void Dispose()
    {
        foreach (var transport in _by.Values.Where(t => t.IsValueCreated)) transport.Value.Dispose();
        _turns.Dispose();
    }

    private AgentTransport By(string host, int port) => _by.GetOrAdd(
        (host, port), static (node, self) => new Lazy<AgentTransport>(() => self.Make(node.Host, node.Port)), this).Value;

    private AgentTransport Make(string node, int nodePort)
    {
        var transport = new AgentTransport(
            credentials, reach: (agent, cancel) => Reach(node, nodePort, agent, cancel));
        transport.StaysBehind += staysBehind;
        return transport;
    }

    private async Task<Stream> Reach(string node, int nodePort, DnsEndPoint agent, CancellationToken cancel)
    {
        await _turns.WaitAsync(cancel);
        try
        {
            return await pipes.OpenAsync(node, nodePort, AgentDoor.Bare(agent.Host), agent.Port, cancel);
        }
        finally
        {
            _turns.Release();
        }
    }
}
