using Orchestrator.Actors;
using Orchestrator.Actors.Host;
using Orchestrator.Actors.StorageDomain;
using Orchestrator.Api.Http;
using Orchestrator.Api.Representation;
using Orchestrator.Agent.Protocol;

namespace Orchestrator.Api.Resources;

/// <summary>oVirt's storage element: where a storage domain is.</summary>
internal static class StorageBodies
{
    /// <summary>Where a new domain is to be.</summary>
    /// <exception cref="FaultException">400: something is missing, or cannot be.</exception>
    public static StorageDomainConfig Read(ApiCall call, Element body, Guid id, HostId host)
    {
        if (body.One("storage") is not { } storage) throw FaultException.Missing("StorageDomain", "storage", "add");
        if (storage.Text("type") is not { } type) throw FaultException.Missing("StorageDomain", "storage.type", "add");
        if (type is "iscsi" or "fcp")
            throw FaultException.NotYet(
                $"A storage domain of the kind {type}: hosts manage no volume groups yet, and storage that they attach by themselves can be "
                + "given as posixfs with a file system on it, so this");
        if (type is not ("posixfs" or "nfs" or "localfs" or "glusterfs")) throw FaultException.NotYet($"Storage of the type {type}");
        var location = Location(storage, type);
        var config = new StorageDomainConfig
        {
            Name = "",
            Type = body.Text("type") ?? "data",
            StorageType = type,
            Address = location.Address,
            Path = location.Path,
            VfsType = location.VfsType,
            MountOptions = location.MountOptions,
            Installation = call.World.Options.InstanceId.ToString(),
            Host = type == "localfs" ? host : null,
        };
        return IsMounted(config) ? config with { Folder = $"{call.World.Options.StorageFolder.TrimEnd('/')}/{id}" } : config;
    }

    /// <summary>What the storage element says of the place; what it leaves out is as before.</summary>
    public static StorageLocation Location(Element storage, string type, StorageDomainConfig? present = null)
    {
        if ((storage.Text("path") ?? present?.Path) is not { Length: > 0 } path)
            throw FaultException.Missing("StorageDomain", "storage.path", "add");
        var address = storage.Text("address") ?? present?.Address ?? "";
        if (type is "nfs" && address.Length == 0) throw FaultException.Missing("StorageDomain", "storage.address", "add");
        if (type is "glusterfs" && address.Length == 0 && !path.Contains(':', StringComparison.Ordinal))
            throw FaultException.Missing("StorageDomain", "storage.address", "add");
        var vfs = type == "glusterfs" ? "glusterfs" : storage.Text("vfs_type") ?? present?.VfsType ?? "";
        if (vfs.Any(letter => !char.IsAsciiLetterOrDigit(letter) && letter is not ('.' or '_' or '-')) || vfs.StartsWith('-')
            || vfs.StartsWith("fuse", StringComparison.Ordinal))
            throw FaultException.Bad($"StorageDomain.storage.vfs_type is '{vfs}'; it must be a type of file system that hosts mount, such as nfs4, ext4 or ceph");
        var options = Options(storage, present?.MountOptions ?? "");
        return new StorageLocation(Word(address, "address"), type is "posixfs" && vfs is not ("" or "none") ? Source(path) : type is "glusterfs" ? Source(path) : AbsolutePath(path), vfs, options);
    }

    public static Element Show(StorageDomainConfig config)
    {
        var storage = Shapes.HostStorage.New();
        Put(storage, config);
        return storage;
    }

    public static void Put(Element storage, StorageDomainConfig config)
    {
        storage.With("path", config.Path).With("type", config.StorageType);
        if (config.Address.Length > 0) storage.With("address", config.Address);
        if (config.VfsType.Length > 0) storage.With("vfs_type", config.VfsType);
        if (config.MountOptions.Length > 0) storage.With("mount_options", config.MountOptions);
        if (config.StorageType == "nfs") storage.With("nfs_version", Version(config.MountOptions));
    }

    public static StoragePlace Place(StorageDomainConfig config, Guid domain) => new(domain, config.Root)
    {
        Mount = config.Mount is { } mount ? new StorageMount(mount.Type, mount.Source) { Options = mount.Options } : null,
    };

    /// <summary>A POSIX folder without a type of file system is one that all hosts have by themselves.</summary>
    private static bool IsMounted(StorageDomainConfig config) => config.StorageType switch
    {
        "localfs" => false,
        "posixfs" => config.VfsType is not ("" or "none") || config.MountOptions.Length > 0,
        _ => true,
    };

    private static string Options(Element storage, string present)
    {
        var given = storage.Text("mount_options");
        if (given?.Any(letter => char.IsControl(letter) || letter == ' ') == true)
            throw FaultException.Bad("StorageDomain.storage.mount_options must be words with commas between them, without blanks");
        var options = new List<string>((given ?? present).Split(',', StringSplitOptions.RemoveEmptyEntries));
        void Put(string name, string? value)
        {
            if (value is null) return;
            options.RemoveAll(option => option.StartsWith($"{name}=", StringComparison.Ordinal));
            if (value.Length > 0) options.Add($"{name}={value}");
        }

        Put("vers", storage.Text("nfs_version") switch
        {
            null => null,
            "auto" => "",
            var version => version.TrimStart('v').Replace('_', '.'),
        });
        Put("timeo", storage.Number("nfs_timeo")?.ToString(System.Globalization.CultureInfo.InvariantCulture));
        Put("retrans", storage.Number("nfs_retrans")?.ToString(System.Globalization.CultureInfo.InvariantCulture));
        return string.Join(',', options);
    }

    private static string Version(string options) =>
        options.Split(',').FirstOrDefault(o => o.StartsWith("vers=", StringComparison.Ordinal)) is { } found
            ? $"v{found[5..].Replace('.', '_')}"
            : "auto";

    /// <summary>A device, a server with a path, or whatever else the file system is mounted from.</summary>
    private static string Source(string path) => path[0] == '/' ? AbsolutePath(path) : Word(path, "path");

    private static string Word(string text, string field) =>
        !text.StartsWith('-') && !text.Any(letter => char.IsControl(letter) || char.IsWhiteSpace(letter))
            ? text
            : throw FaultException.Bad($"StorageDomain.storage.{field} is '{text}'; it must not begin with a hyphen nor have blanks");

    private static string AbsolutePath(string path) =>
        path[0] == '/' && !path.Any(char.IsControl) && !path.Split('/').Contains("..")
            ? path.Length > 1 ? path.TrimEnd('/') : path
            : throw FaultException.Bad($"StorageDomain.storage.path is '{path}'; it must be an absolute path without '..'");
}
