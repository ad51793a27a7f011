using Xunit.Abstractions;

namespace Orchestrator.Tests.EndToEnd;

/// <summary>The laboratory keeps what the tests and the demo build on: a host's death is real, and so is its fence.</summary>
[Collection("laboratory")]
public sealed class LaboratoryTests(ITestOutputHelper output)
{
    [SkippableFact]
    public async Task A_power_cut_ends_every_process_of_that_host_and_of_no_other()
    {
        await using var lab = Laboratory.Open(output);
        await lab.Run("lab/hosts.sh", "up", "1", "2");
        var boot = await lab.Run("lab/hosts.sh", "exec", "2", "cat", "/proc/sys/kernel/random/boot_id");

        await lab.Run("lab/hosts.sh", "off", "2");

        Assert.Contains("host 1: on", await lab.Run("lab/hosts.sh", "status"));
        Assert.Contains("host 2: off", await lab.Run("lab/hosts.sh", "status"));
        Assert.NotEqual(0, (await lab.Try("lab/hosts.sh", "virsh", "2", "list")).ExitCode);
        await lab.Run("lab/hosts.sh", "virsh", "1", "list");

        await lab.Run("lab/hosts.sh", "on", "2");
        Assert.NotEqual(boot, await lab.Run("lab/hosts.sh", "exec", "2", "cat", "/proc/sys/kernel/random/boot_id"));
    }

    [SkippableFact]
    public async Task A_fence_program_on_one_host_turns_another_off_and_on()
    {
        await using var lab = Laboratory.Open(output);
        await lab.Run("lab/hosts.sh", "up", "1", "2");
        await lab.Run("lab/bmc.sh", "up", "1", "2");

        Task<(int ExitCode, string Output)> Fence(string action) => lab.Try("lab/hosts.sh", "exec", "1", "fence_ipmilan",
            "--ip", Laboratory.BmcAddress, "--ipport", "9002", "--username", "admin", "--password", lab.BmcPassword,
            "--lanplus", "--cipher", "3", "--power-wait", "0", "--action", action);

        Assert.Equal(0, (await Fence("status")).ExitCode);
        Assert.Contains("Success", (await Fence("off")).Output);
        Assert.Contains("host 2: off", await lab.Run("lab/hosts.sh", "status"));
        Assert.Equal(2, (await Fence("status")).ExitCode);
        Assert.Contains("Success", (await Fence("on")).Output);
        Assert.Contains("host 2: on", await lab.Run("lab/hosts.sh", "status"));
    }

    [SkippableFact]
    public async Task A_private_database_takes_its_password_and_no_other()
    {
        await using var lab = Laboratory.Open(output);
        await lab.Run("lab/postgres.sh", "up");
        var url = await lab.Run("lab/postgres.sh", "url");
        var settings = url.Trim().Split(';').Select(pair => pair.Split('=', 2)).ToDictionary(p => p[0], p => p[1]);

        Task<(int ExitCode, string Output)> Ask(string password) => lab.Psql(password,
            "--host", settings["Host"], "--port", settings["Port"], "--username", settings["Username"],
            "--dbname", settings["Database"], "--tuples-only", "--command", "select 6 * 7");

        Assert.Contains("42", (await Ask(settings["Password"])).Output);
        Assert.Contains("password authentication failed", (await Ask("wrong")).Output);
        await lab.Run("lab/postgres.sh", "down");
        Assert.NotEqual(0, (await lab.Try("lab/postgres.sh", "status")).ExitCode);
    }
}
