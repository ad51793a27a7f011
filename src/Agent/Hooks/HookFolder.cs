using System.Collections.Concurrent;
using System.Collections.Immutable;
using System.Security.Cryptography;
using System.Text.Json;
using Microsoft.Extensions.Logging;
using Orchestrator.Agent.Protocol;

namespace Orchestrator.Agent.Hooks;

/// <summary>
/// Scripts in FOLDER/POINT/, run in the order of their names. As with vdsm: the file named by _hook_domxml holds the domain's XML,
/// vmId is the VM, and a script ends with 0 (well), 1 (failed, the ones after it are run), or 2 and above (failed, nothing more is
/// run). What fails before something keeps it from being done; what fails after it is only told.
/// A script may be run again for the same guest: an agent that died knows nothing of what it had begun.
/// </summary>
public sealed class HookFolder(string folder, TimeSpan limit, ILogger log)
{
    private const int Skipping = 1;
    private const UnixFileMode ByOthers = UnixFileMode.GroupWrite | UnixFileMode.OtherWrite;
    private const UnixFileMode Runs = UnixFileMode.UserExecute | UnixFileMode.GroupExecute | UnixFileMode.OtherExecute;

    private readonly ConcurrentDictionary<Guid, ImmutableDictionary<string, string>> _properties = new();

    /// <summary>What the scripts are told about this VM besides, as environment variables (vdsm's custom properties).</summary>
    public void Knows(Guid vm, ImmutableDictionary<string, string>? properties)
    {
        if (properties is { IsEmpty: false }) _properties[vm] = properties;
        else _properties.TryRemove(vm, out _);
    }

    /// <summary>All that are there, by point and name.</summary>
    public ImmutableArray<HostHook> All() =>
    [
        .. from point in Enum.GetValues<HookPoint>()
           from path in At(point)
           select new HostHook(NameOf(point), Path.GetFileName(path), Digest(path)),
    ];

    /// <param name="xml">What the scripts may change; empty: nothing.</param>
    /// <returns>The XML after all of them.</returns>
    /// <exception cref="HypervisorException">One of them failed, ran for too long, or may be written by anybody.</exception>
    public async Task<string> Before(HookPoint point, GuestKey guest, string xml = "")
    {
        var scripts = At(point);
        if (scripts.Length == 0) return xml;
        var file = Path.Combine(Path.GetTempPath(), $"hook-{Guid.NewGuid():N}.xml");
        try
        {
            await WriteOwn(file, xml);
            string? failed = null;
            foreach (var script in scripts)
            {
                var (code, why) = await Run(point, script, guest, file);
                if (code == 0) continue;
                failed ??= why;
                if (code != Skipping) break;
            }

            if (failed is not null) throw new HypervisorException(failed);
            return xml == "" ? xml : await File.ReadAllTextAsync(file);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new HypervisorException($"the hooks of {NameOf(point)} could not be run: {e.Message}", e);
        }
        finally
        {
            File.Delete(file);
        }
    }

    public async Task After(HookPoint point, GuestKey guest)
    {
        try
        {
            await Before(point, guest);
        }
        catch (HypervisorException e)
        {
            log.LogWarning("vm {Guest}: {Why}; it is as it would be without", guest, e.Message);
        }
    }

    /// <summary>In vdsm's spelling.</summary>
    public static string NameOf(HookPoint point) => JsonNamingPolicy.SnakeCaseLower.ConvertName(point.ToString());

    private static string Digest(string path)
    {
#pragma warning disable CA5351 // oVirt shows this one; nothing is protected by it.
        return Convert.ToHexStringLower(MD5.HashData(File.ReadAllBytes(path)));
#pragma warning restore CA5351
    }

    private string[] At(HookPoint point)
    {
        var there = Path.Combine(folder, NameOf(point));
        return Directory.Exists(there)
            ? [.. Directory.GetFiles(there).Where(file => (File.GetUnixFileMode(file) & Runs) != 0).Order(StringComparer.Ordinal)]
            : [];
    }

    private async Task<(int Code, string Why)> Run(HookPoint point, string script, GuestKey guest, string file)
    {
        var name = $"hook {NameOf(point)}/{Path.GetFileName(script)}";
        // Who may write it may do anything on this host.
        if (((File.GetUnixFileMode(script) | File.GetUnixFileMode(Path.GetDirectoryName(script)!)) & ByOthers) != 0)
            return (2, $"{name} is not run: others than its owner may write it or its folder; take that away (chmod go-w)");
        using var patience = new CancellationTokenSource(limit);
        try
        {
            var end = await ShortProgram.Run(script, [], "", patience.Token, new Dictionary<string, string>(
                _properties.GetValueOrDefault(guest.Vm) ?? ImmutableDictionary<string, string>.Empty)
            {
                ["PATH"] = "/usr/sbin:/usr/bin:/sbin:/bin",
                ["LANG"] = "C.UTF-8",
                ["vmId"] = guest.Vm.ToString(),
                ["_hook_domxml"] = file,
            });
            if (end.Words.Length > 0) log.LogInformation("vm {Guest}: {Hook}: {Words}", guest, name, end.Words);
            return (end.ExitCode, $"{name} failed with {end.ExitCode}: {end.Words}");
        }
        catch (OperationCanceledException)
        {
            return (2, $"{name} was ended after {limit.TotalSeconds} s");
        }
        catch (IOException e)
        {
            return (2, $"{name}: {e.Message}");
        }
    }

    /// <summary>Nobody else may read it: it may hold passwords.</summary>
    private static async Task WriteOwn(string path, string text)
    {
        await using var file = new FileStream(path, new FileStreamOptions
        {
            Mode = FileMode.CreateNew,
            Access = FileAccess.Write,
            UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite,
        });
        await using var writer = new StreamWriter(file);
        await writer.WriteAsync(text);
    }
}
