using System.Formats.Tar;
using System.IO.Compression;
using System.Security.Cryptography;
using System.Text;

namespace Orchestrator.Host.Node;

/// <summary>The program as it is brought to hosts: a folder with all that it needs. Its name says what is in it, so that a host
/// that has it already is not sent it again.</summary>
internal sealed class AgentPackage(string folder)
{
    private const string Program = "orchestrator";

    /// <summary>Brings its own runtime of .NET along.</summary>
    public bool HasRuntime => File.Exists(Path.Combine(folder, "libcoreclr.so"));

    /// <exception cref="IOException">There is no program in the folder.</exception>
    public string Release(string version)
    {
        if (!File.Exists(Path.Combine(folder, Program)))
            throw new IOException($"{folder} holds no program '{Program}' to bring to hosts; set orchestrator.hosts.install.package");
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (var file in Directory.GetFiles(folder, "*", SearchOption.AllDirectories).Order(StringComparer.Ordinal))
        {
            hash.AppendData(Encoding.UTF8.GetBytes(Path.GetRelativePath(folder, file)));
            using var content = File.OpenRead(file);
            hash.AppendData(SHA256.HashData(content));
        }

        return $"{version}-{Convert.ToHexStringLower(hash.GetHashAndReset())[..12]}";
    }

    public async Task Write(Stream to, CancellationToken cancel)
    {
        await using var packed = new GZipStream(to, CompressionLevel.Fastest, leaveOpen: true);
        await TarFile.CreateFromDirectoryAsync(folder, packed, includeBaseDirectory: false, cancel);
    }
}
