using System.Globalization;

namespace Orchestrator.Agent.Protocol;

/// <summary>
/// Restarts agents with the system's ssh client. It asks nobody anything, believes no key of a host that it does not know, and
/// is ended when its time is over. The command comes from this node's configuration, never from a host or a client.
/// </summary>
public sealed class SshSoftFence(SshSettings settings, string program = "ssh") : ISoftFence
{
    public async Task<SoftFenceResult> RestartAgent(string address, CancellationToken cancel)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        limit.CancelAfter(settings.Timeout);
        try
        {
            var end = await ShortProgram.Run(program, Arguments(settings, address), input: "", limit.Token);
            return end.ExitCode == 0 ? new SoftFenceResult(true, end.Words) : Failed($"ssh ended with {end.ExitCode}: {end.Words}");
        }
        catch (OperationCanceledException) when (!cancel.IsCancellationRequested)
        {
            return Failed($"ssh to {address} took longer than {settings.Timeout.TotalSeconds} s");
        }
        catch (IOException e)
        {
            return Failed(e.Message);
        }
    }

    /// <summary>What ssh is called with. Pure, so that it can be tested without a machine.</summary>
    public static IReadOnlyList<string> Arguments(SshSettings settings, string address) =>
    [
        "-o", "BatchMode=yes",
        "-o", "StrictHostKeyChecking=yes",
        "-o", "IdentitiesOnly=yes",
        "-o", "ConnectionAttempts=1",
        // In whole seconds, and a machine that is silent is given up before the time of all is over.
        "-o", string.Create(CultureInfo.InvariantCulture, $"ConnectTimeout={Math.Max(1, (int)settings.Timeout.TotalSeconds)}"),
        .. settings.KnownHosts == "" ? Array.Empty<string>() : ["-o", $"UserKnownHostsFile={settings.KnownHosts}"],
        "-i", settings.KeyFile,
        "-l", settings.User,
        "-p", settings.Port.ToString(CultureInfo.InvariantCulture),
        // What follows is no option, whatever it begins with.
        "--", address, settings.Command,
    ];

    private static SoftFenceResult Failed(string message) => new(false, message);
}

/// <param name="User">Who may restart the agent there.</param>
/// <param name="KeyFile">His private key.</param>
/// <param name="KnownHosts">File with the keys of the hosts; empty: that of this node's user and system.</param>
/// <param name="Command">Restarts the agent.</param>
/// <param name="Timeout">For connecting and the command together.</param>
public sealed record SshSettings(string User, int Port, string KeyFile, string KnownHosts, string Command, TimeSpan Timeout);
