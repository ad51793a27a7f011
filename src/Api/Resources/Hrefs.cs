using Orchestrator.Actors.Journal;

namespace Orchestrator.Api.Resources;

/// <summary>Where objects are found; the one place that knows paths.</summary>
public static class Hrefs
{
    public const string Base = "/ovirt-engine/api";

    /// <summary>Of what the objects below a path are; null where they are not of the read model.</summary>
    public static string? KindOf(string collection) => collection switch
    {
        "datacenters" => Kinds.DataCenter,
        "clusters" => Kinds.Cluster,
        "hosts" => Kinds.Host,
        "storagedomains" => Kinds.StorageDomain,
        "disks" => Kinds.Disk,
        "templates" => Kinds.Template,
        "vms" => Kinds.Vm,
        _ => null,
    };

    public static string DataCenter(Guid id) => $"{Base}/datacenters/{id}";

    public static string Cluster(Guid id) => $"{Base}/clusters/{id}";

    public static string Host(Guid id) => $"{Base}/hosts/{id}";

    public static string StorageDomain(Guid id) => $"{Base}/storagedomains/{id}";

    public static string Disk(Guid id) => $"{Base}/disks/{id}";

    public static string Template(Guid id) => $"{Base}/templates/{id}";

    public static string Vm(Guid id) => $"{Base}/vms/{id}";

    public static string Job(Guid id) => $"{Base}/jobs/{id}";

    public static string ImageTransfer(Guid id) => $"{Base}/imagetransfers/{id}";

    public static string User(Guid id) => $"{Base}/users/{id}";

    public static string Event(long id) => $"{Base}/events/{id}";
}
