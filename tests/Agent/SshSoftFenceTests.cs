using Orchestrator.Agent.Protocol;

namespace Orchestrator.Tests.Agent;

/// <summary>With a program in the place of ssh that writes down what it was called with.</summary>
public sealed class SshSoftFenceTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("soft-fence-").FullName;
    private readonly SshSettings _settings = new("root", 2222, "/etc/key", "", "systemctl restart agent", TimeSpan.FromSeconds(10));

    [Fact]
    public async Task It_logs_in_with_the_key_and_restarts_the_agent()
    {
        var ssh = new SshSoftFence(_settings, Program($"printf '%s\\n' \"$@\" > {_folder}/said"));

        Assert.Equal(new SoftFenceResult(true, ""), await ssh.RestartAgent("10.0.0.1", CancellationToken.None));

        var said = await File.ReadAllLinesAsync($"{_folder}/said");
        Assert.Equal(SshSoftFence.Arguments(_settings, "10.0.0.1"), said);
        Assert.Equal(["--", "10.0.0.1", "systemctl restart agent"], said[^3..]);
        foreach (var option in (string[])["BatchMode=yes", "StrictHostKeyChecking=yes", "ConnectTimeout=10"]) Assert.Contains(option, said);
        Assert.DoesNotContain(said, s => s.StartsWith("UserKnownHostsFile", StringComparison.Ordinal));
    }

    [Fact]
    public void Its_own_file_of_known_hosts_is_used_when_there_is_one() => Assert.Contains(
        "UserKnownHostsFile=/etc/hosts.keys", SshSoftFence.Arguments(_settings with { KnownHosts = "/etc/hosts.keys" }, "h"));

    [Fact]
    public async Task What_ssh_says_is_told_when_it_fails()
    {
        var ssh = new SshSoftFence(_settings, Program("echo 'Permission denied (publickey).' >&2; exit 255"));
        Assert.Equal(
            new SoftFenceResult(false, "ssh ended with 255: Permission denied (publickey)."),
            await ssh.RestartAgent("10.0.0.1", CancellationToken.None));
    }

    [Fact]
    public async Task It_is_ended_when_its_time_is_over()
    {
        var ssh = new SshSoftFence(_settings with { Timeout = TimeSpan.FromMilliseconds(300) }, Program("exec sleep 60"));
        var result = await ssh.RestartAgent("10.0.0.1", CancellationToken.None).WaitAsync(TimeSpan.FromSeconds(20));
        Assert.Equal(new SoftFenceResult(false, "ssh to 10.0.0.1 took longer than 0.3 s"), result);
    }

    [Fact]
    public async Task A_machine_without_ssh_says_so() => Assert.False(
        (await new SshSoftFence(_settings, $"{_folder}/nothing").RestartAgent("10.0.0.1", CancellationToken.None)).Ok);

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private string Program(string script)
    {
        var file = $"{_folder}/ssh";
        File.WriteAllText(file, $"#!/bin/sh\n{script}\n");
        File.SetUnixFileMode(file, UnixFileMode.UserRead | UnixFileMode.UserExecute);
        return file;
    }
}
