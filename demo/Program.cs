using System.Globalization;
using Orchestrator.Demo;

const string Usage = """
    ./do demo [--rounds N] [--takeovers N]
      --rounds N      migrations there and back in the comparison with virsh, at most (15)
      --takeovers N   how often the VM's engine node is killed (3)
    """;

var options = new WalkOptions();
for (var at = 0; at < args.Length; at += 2)
{
    if (at + 1 >= args.Length || !int.TryParse(args[at + 1], CultureInfo.InvariantCulture, out var number) || number < 1
        || args[at] is not ("--rounds" or "--takeovers"))
    {
        Console.Error.WriteLine(Usage);
        return 2;
    }

    options = args[at] == "--rounds" ? options with { Rounds = number } : options with { Takeovers = number };
}

try
{
    return await new Walk(Installation.Find(), options).Run() ? 0 : 1;
}
catch (DemoException e)
{
    Console.Error.WriteLine($"The demo stops: {e.Message}");
    return 1;
}
