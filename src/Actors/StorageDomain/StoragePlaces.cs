using Orchestrator.Actors.Host;

namespace Orchestrator.Actors.StorageDomain;

/// <summary>Where the files of a domain are on hosts, and what must be mounted for that. Pure.</summary>
public static class StoragePlaces
{
    /// <summary>A server that is away gives its guests an I/O error after some 40 s, by which they are paused, instead of a process
    /// that hangs for ever.</summary>
    private const string NfsOptions = "soft,nosharecache,timeo=100,retrans=3";

    extension(StorageDomainConfig config)
    {
        /// <summary>Below it are the domain's own folders.</summary>
        public string Root => config.Folder.Length > 0 ? config.Folder : config.Path.TrimEnd('/');

        /// <summary>Null: nothing is mounted.</summary>
        public MountWork? Mount => config.Folder.Length == 0 ? null : config.StorageType switch
        {
            "nfs" => new MountWork("nfs", config.Source, Join(NfsOptions, config.MountOptions)),
            "glusterfs" => new MountWork("glusterfs", config.Source, config.MountOptions),
            _ => new MountWork(config.VfsType, config.Source, config.MountOptions),
        };

        private string Source => config.Address.Length > 0 ? $"{config.Address}:{config.Path}" : config.Path;
    }

    /// <summary>Where the domain's images are.</summary>
    public static string Images(StorageDomainConfig config, StorageDomainId id) => $"{config.Root}/{id}/images";

    public static string Metadata(StorageDomainConfig config, StorageDomainId id) => $"{config.Root}/{id}/dom_md";

    private static string Join(string one, string other) => other.Length > 0 ? $"{one},{other}" : one;
}
