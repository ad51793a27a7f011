using System.Globalization;
using Orchestrator.Actors.Host;
using Orchestrator.Api.Http;
using Orchestrator.Api.Representation;

namespace Orchestrator.Api.Resources;

/// <summary>Lists that are the same in every system: operating systems, the cluster level, options.</summary>
internal static class SystemLists
{
    private static readonly (int Id, string Name, string Words)[] _systems =
    [
        (0, "other", "Other OS"), (1, "windows_xp", "Windows XP"), (3, "windows_2003", "Windows 2003"), (4, "windows_2008", "Windows 2008"),
        (5, "other_linux", "Linux"), (7, "rhel_5", "Red Hat Enterprise Linux 5.x"), (8, "rhel_4", "Red Hat Enterprise Linux 4.x"),
        (9, "rhel_3", "Red Hat Enterprise Linux 3.x"), (10, "windows_2003x64", "Windows 2003 x64"), (11, "windows_7", "Windows 7"),
        (12, "windows_7x64", "Windows 7 x64"), (13, "rhel_5x64", "Red Hat Enterprise Linux 5.x x64"),
        (14, "rhel_4x64", "Red Hat Enterprise Linux 4.x x64"), (15, "rhel_3x64", "Red Hat Enterprise Linux 3.x x64"),
        (16, "windows_2008x64", "Windows 2008 x64"), (17, "windows_2008r2x64", "Windows 2008 R2 x64"), (18, "rhel_6", "Red Hat Enterprise Linux 6.x"),
        (19, "rhel_6x64", "Red Hat Enterprise Linux 6.x x64"), (20, "windows_8", "Windows 8"), (21, "windows_8x64", "Windows 8 x64"),
        (23, "windows_2012x64", "Windows 2012 x64"),
    ];

    /// <summary>Options of oVirt's that hold here too.</summary>
    private static readonly (string Name, string Value)[] _options =
    [
        ("MaxVmNameLength", "255"), ("SucceededJobCleanupTimeInMinutes", "10"), ("FailedJobCleanupTimeInMinutes", "60"),
        ("SucceededImageTransferCleanupTimeInMinutes", "15"), ("MaxVdsMemOverCommit", "200"), ("ImageTransferProxyEnabled", "true"),
        ("VmPriorityMaxValue", "100"), ("SearchResultsLimit", "100"), ("IsMigrationSupported", """{"undefined":"true","x86":"true"}"""),
        ("IsSuspendSupported", """{"undefined":"true","x86":"true"}"""), ("HotPlugCpuSupported", """{"x86":"true"}"""),
        ("HotPlugMemorySupported", """{"x86":"true"}"""),
    ];

    public static void Map(Router router) => router
        .Get("operatingsystems", call => Task.FromResult(Answer.Of(
            Shapes.OperatingSystemKind, [.. _systems.Take(call.Parameters.Max ?? int.MaxValue).Select(Show)])))
        .Get("operatingsystems/{number}", call => Task.FromResult(
            _systems.Where(system => system.Id.ToString(CultureInfo.InvariantCulture) == call.Ids[0]).ToList() is [var found]
                ? Answer.Of(Show(found))
                : throw FaultException.Unknown("operating system", call.Ids[0])))
        .Get("clusterlevels", call => Task.FromResult(Answer.Of(Shapes.ClusterLevel, [Level(call)])))
        .Get("clusterlevels/{word}", call => Level(call) is var level && level.Id == call.Ids[0]
            ? Task.FromResult(Answer.Of(level))
            : throw FaultException.Unknown("cluster level", call.Ids[0]))
        .Get("options/{word}", call => Task.FromResult(
            _options.Where(option => option.Name == call.Ids[0]).ToList() is [var found]
                ? Answer.Of(Shapes.SystemOption.New(found.Name, $"{Hrefs.Base}/options/{found.Name}").With("name", found.Name)
                    .With("values", [Shapes.SystemOptionValue.New().With("value", found.Value).With("version", "general")]))
                : throw FaultException.Unknown("option", call.Ids[0])));

    private static Element Show((int Id, string Name, string Words) system) => Shapes.OperatingSystemKind
        .New($"{system.Id}", $"{Hrefs.Base}/operatingsystems/{system.Id}")
        .With("name", system.Name).With("description", system.Words).With("architecture", "x86_64");

    private static Element Level(ApiCall call)
    {
        var id = $"{call.World.Options.Major}.{call.World.Options.Minor}";
        return Shapes.ClusterLevel.New(id, $"{Hrefs.Base}/clusterlevels/{id}")
            .With("cpu_types", [.. CpuTypes.Names.Select(name =>
                Shapes.CpuType.New().With("name", name).With("architecture", "x86_64"))]);
    }
}
