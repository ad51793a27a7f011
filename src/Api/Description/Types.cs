using System.Collections.Frozen;
using Orchestrator.Api.Representation;

namespace Orchestrator.Api.Description;

/// <summary>Every shape under one name of its own: that of its element, or where two have the same, the later with that of
/// the type which it is part of.</summary>
public static class Types
{
    private static readonly Shape[] _roots =
    [
        Shapes.Api, Shapes.Fault, Shapes.Action, Shapes.DataCenter, Shapes.Cluster, Shapes.Host, Shapes.User, Shapes.StorageDomain,
        Shapes.StorageConnection, Shapes.Disk, Shapes.Template, Shapes.Vm, Shapes.Snapshot, Shapes.Nic, Shapes.DiskAttachment,
        Shapes.Cdrom, Shapes.Watchdog, Shapes.NumaNode, Shapes.GraphicsConsole, Shapes.Event, Shapes.Job, Shapes.Step,
        Shapes.Statistic, Shapes.ImageTransfer, Shapes.NetworkFilter, Shapes.Network, Shapes.VnicProfile, Shapes.Tag,
        Shapes.Bookmark, Shapes.MacPool, Shapes.CpuProfile, Shapes.DiskProfile, Shapes.Qos, Shapes.Quota, Shapes.InstanceType,
        Shapes.OperatingSystemKind, Shapes.ClusterLevel, Shapes.SystemOption,
        Shapes.SchedulingPolicy, Shapes.SchedulingPolicyUnit, Shapes.Filter, Shapes.Weight, Shapes.Balance,
    ];

    private static readonly Dictionary<Shape, string> _names = Name();

    public static FrozenDictionary<string, Shape> ByName { get; } =
        _names.ToFrozenDictionary(pair => pair.Value, pair => pair.Key, StringComparer.Ordinal);

    /// <summary>The shape of a type, or null where this engine has none of it.</summary>
    public static Shape? Find(string type) => ByName.GetValueOrDefault(type);

    public static string NameOf(Shape shape) => _names[shape];

    private static Dictionary<Shape, string> Name()
    {
        var names = new Dictionary<Shape, string>(ReferenceEqualityComparer.Instance);
        var taken = new HashSet<string>(StringComparer.Ordinal);
        var open = new Queue<(Shape Shape, string Parent)>(_roots.Select(root => (root, "")));
        while (open.TryDequeue(out var next))
        {
            if (names.ContainsKey(next.Shape)) continue;
            var name = next.Shape.Name;
            if (!taken.Add(name)) taken.Add(name = $"{next.Parent}_{name}");
            names[next.Shape] = name;
            foreach (var field in next.Shape.Fields)
                if (field.Inner is not null) open.Enqueue((field.Child, name));
        }

        return names;
    }
}
