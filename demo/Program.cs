using Orchestrator.Demo;

const string Usage = """
    ./do demo [--rounds N] [--takeovers N]
      --rounds N      migrations there and back in the comparison with virsh, at most (15)
      --takeovers N   how often the VM's engine node is killed (3)
    ./do demo migrations [ROUNDS] [--seed N] [--only KIND] [--encrypted yes|no]
      ROUNDS          live migrations with a mishap at a random moment (100)
      --seed N        which mishaps, hosts and moments (default: drawn and printed)
      --only KIND     SourcePower, DestinationPower, HostsApart, EngineApart, AgentKilled, LibvirtKilled,
                      EngineNodeKilled or Cancelled
      --encrypted yes over TLS (no)
    ./do demo drain [GUESTS]
      GUESTS          small guests on a host that is sent to maintenance, each asked for an echo all the time (20)
    ./do demo pauses [PAUSES] [--seed N]
      PAUSES          of agents, libvirtd, hosts and engine nodes; then half of the hosts is cut off (12)
    ./do demo moves [ROUNDS] [--seed N]
      ROUNDS          moves of a running guest's disk between two storage domains, with a mishap at a random moment (40)
    ./do demo snapshots [ROUNDS] [--seed N]
      ROUNDS          snapshots of a running guest taken and removed, with a mishap at a random moment (100)
    ./do demo operations [COUNT] [--seed N]
      COUNT           operations on a running guest, during each its host's agent or libvirtd is killed (200)
    ./do demo fuzz [MINUTES] [--seed N]
      MINUTES         requests that make no sense to every method of the API; spoils the installation (10)
    ./do demo crowd [GUESTS]
      GUESTS          guests on one host: what its agent takes of memory and CPU (100)
    ./do demo starts [ROUNDS]
      ROUNDS          starts through the engine beside virsh's, one by one; then fifty at once, three times (20)
    ./do demo ha [ROUNDS]
      ROUNDS          losses of the guest's host, in each of several ways (3)
    """;

try
{
    return Arguments.Parse(args) is { } run ? await run(Installation.Find()) ? 0 : 1 : Refuse();
}
catch (DemoException e)
{
    Console.Error.WriteLine($"The demo stops: {e.Message}");
    return 1;
}

static int Refuse()
{
    Console.Error.WriteLine(Usage);
    return 2;
}
