using Microsoft.Extensions.Logging;
using Orchestrator.Agent.Protocol;

namespace Orchestrator.Agent.Libvirt;

/// <summary>
/// What a machine remembers while it is off. The firmware's variables are on the shared storage, and QEMU writes them there. A
/// TPM's file is swtpm's own, on the host: it is copied to the storage when it has changed, and back before a start, the newer of
/// the two; a migration takes it along by itself.
/// </summary>
internal sealed class Remembered(string swtpmFolder, ILogger log)
{
    public const string Nvram = "nvram.fd";
    private const string Tpm = "tpm2-00.permall";

    /// <exception cref="HypervisorException">The storage is not there.</exception>
    public void Prepare(VmDefinition definition)
    {
        if (definition.Hardware is not { StateFolder: { } folder } hardware || (!hardware.Tpm && definition.Firmware == Firmware.Bios)) return;
        try
        {
            if (!Directory.Exists(Path.GetDirectoryName(folder))) throw new HypervisorException($"{Path.GetDirectoryName(folder)} is not there: is the storage mounted?");
            Directory.CreateDirectory(folder);
            if (hardware.Tpm) CopyNewer(Path.Combine(folder, Tpm), Own(definition.Id));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new HypervisorException($"what firmware and TPM keep could not be read: {e.Message}", e);
        }
    }

    /// <summary>What cannot be copied is copied the next time.</summary>
    public void Keep(Guid vm, string? folder)
    {
        if (folder is null) return;
        try
        {
            CopyNewer(Own(vm), Path.Combine(folder, Tpm));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            log.LogWarning("vm {Vm}: what its TPM keeps is not on the storage yet: {Why}", vm, e.Message);
        }
    }

    private string Own(Guid vm) => Path.Combine(swtpmFolder, vm.ToString(), "tpm2", Tpm);

    private static void CopyNewer(string from, string to)
    {
        if (!File.Exists(from) || (File.Exists(to) && File.GetLastWriteTimeUtc(to) >= File.GetLastWriteTimeUtc(from))) return;
        Directory.CreateDirectory(Path.GetDirectoryName(to)!);
        var half = to + ".new";
        File.Copy(from, half, overwrite: true);
        File.SetUnixFileMode(half, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        File.SetLastWriteTimeUtc(half, File.GetLastWriteTimeUtc(from));
        File.Move(half, to, overwrite: true);
    }
}
