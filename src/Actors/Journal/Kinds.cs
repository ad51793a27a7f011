namespace Orchestrator.Actors.Journal;

/// <summary>Names of the entities: in the journal, the read model, the shard types and the log.</summary>
public static class Kinds
{
    public const string DataCenter = "datacenter";
    public const string Cluster = "cluster";
    public const string Host = "host";
    public const string Vm = "vm";
    public const string StorageDomain = "storagedomain";
    public const string Disk = "disk";
    public const string Template = "template";

    /// <summary>Only in the read model: jobs are rows that the entities' facts leave behind.</summary>
    public const string Job = "job";

    /// <summary>As jobs: a row that a disk's facts leave behind.</summary>
    public const string ImageTransfer = "imagetransfer";

    /// <summary>Lines of the audit log, where searches name them.</summary>
    public const string Event = "event";

    /// <summary>Users, where searches name them.</summary>
    public const string User = "user";
}
