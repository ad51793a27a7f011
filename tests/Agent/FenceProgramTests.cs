using System.Collections.Immutable;
using Orchestrator.Agent.Protocol;

namespace Orchestrator.Tests.Agent;

public sealed class FenceProgramTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("fence").FullName;

    [Fact]
    public void The_program_reads_its_options_from_standard_input() => Assert.Equal(
        "action=reboot\nip=10.0.0.9\nipport=6230\nusername=admin\npassword=s e=cret\nlanplus=1\n",
        FenceProgram.Input(Order(FenceAction.Reboot) with { Port = 6230 }));

    [Theory]
    [InlineData(FenceAction.Status, 0, FencePower.On, true)]
    [InlineData(FenceAction.Status, 2, FencePower.Off, true)]
    [InlineData(FenceAction.Status, 1, FencePower.Unknown, false)]
    [InlineData(FenceAction.Off, 0, FencePower.Off, true)]
    [InlineData(FenceAction.Off, 1, FencePower.Unknown, false)]
    [InlineData(FenceAction.On, 0, FencePower.On, true)]
    [InlineData(FenceAction.Reboot, 3, FencePower.Unknown, false)]
    public async Task The_exit_code_says_what_became_of_the_power(FenceAction action, int exit, FencePower power, bool ok)
    {
        Program("cat > /dev/null; echo done; exit " + exit);
        var result = await new FenceProgram(_folder).Run(Order(action));
        Assert.Equal((power, ok), (result.Power, result.Ok));
    }

    [Fact]
    public async Task The_password_is_in_no_argument_and_no_result()
    {
        Program("echo \"args: $*\"; cat; exit 1");
        var result = await new FenceProgram(_folder).Run(Order(FenceAction.Off));
        Assert.Contains("args: action=off", result.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("s e=cret", result.Message, StringComparison.Ordinal);
        Assert.Contains("password=***", result.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("s e=cret", Order(FenceAction.Off).ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_device_that_does_not_answer_is_given_up_and_its_program_killed()
    {
        Program($"echo $$ > {_folder}/pid; exec sleep 600");
        var result = await new FenceProgram(_folder).Run(Order(FenceAction.Off) with { TimeoutSeconds = 1 });
        Assert.Equal(new FenceResult(FencePower.Unknown, false, "test at 10.0.0.9 did not answer in 1 s"), result);
        var pid = (await File.ReadAllTextAsync($"{_folder}/pid")).Trim();
        Assert.True(!Directory.Exists($"/proc/{pid}") || (await File.ReadAllTextAsync($"/proc/{pid}/stat")).Contains(" Z "));
    }

    [Fact]
    public async Task A_program_that_cannot_be_run_is_an_answer()
    {
        await File.WriteAllTextAsync(Path.Combine(_folder, "fence_test"), "no program");
        var result = await new FenceProgram(_folder).Run(Order(FenceAction.Off));
        Assert.Equal((FencePower.Unknown, false), (result.Power, result.Ok));
        Assert.Contains("could not be run", result.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("../bin/sh", "10.0.0.9", "lanplus", "made of a-z")]
    [InlineData("Test", "10.0.0.9", "lanplus", "made of a-z")]
    [InlineData("nothere", "10.0.0.9", "lanplus", "no fence program")]
    [InlineData("test", "10.0.0.9\naction=on", "lanplus", "line break")]
    [InlineData("test", "10.0.0.9", "action", "not an option")]
    [InlineData("test", "10.0.0.9", "a b", "option's name")]
    public async Task Nothing_runs_for_a_malformed_order(string type, string address, string option, string expected)
    {
        Program("exit 0");
        var order = Order(FenceAction.Off) with
        {
            Agent = type,
            Address = address,
            Options = ImmutableDictionary<string, string>.Empty.Add(option, "1"),
        };
        var result = await new FenceProgram(_folder).Run(order);
        Assert.Equal((FencePower.Unknown, false), (result.Power, result.Ok));
        Assert.Contains(expected, result.Message, StringComparison.Ordinal);
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private static FenceOrder Order(FenceAction action) =>
        new(null, "test", "10.0.0.9", action, Username: "admin", Password: "s e=cret", TimeoutSeconds: 10)
        {
            Options = ImmutableDictionary<string, string>.Empty.Add("lanplus", "1"),
        };

    private void Program(string body)
    {
        var path = Path.Combine(_folder, "fence_test");
        File.WriteAllText(path, "#!/bin/sh\n" + body + "\n");
        File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
    }
}
