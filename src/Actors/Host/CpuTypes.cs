using System.Collections.Frozen;

#pragma warning disable format // tables stand in columns
namespace Orchestrator.Actors.Host;

/// <summary>The CPU types that a cluster may have, by oVirt's names: the baseline of its guests, which then run on each of its
/// hosts.</summary>
public static class CpuTypes
{
    private static readonly FrozenDictionary<string, string> _models = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase)
    {
        ["Intel Nehalem Family"]                   = "Nehalem",
        ["Secure Intel Nehalem Family"]            = "Nehalem-IBRS",
        ["Intel Westmere Family"]                  = "Westmere",
        ["Secure Intel Westmere Family"]           = "Westmere-IBRS",
        ["Intel SandyBridge Family"]               = "SandyBridge",
        ["Secure Intel SandyBridge Family"]        = "SandyBridge-IBRS",
        ["Intel IvyBridge Family"]                 = "IvyBridge",
        ["Secure Intel IvyBridge Family"]          = "IvyBridge-IBRS",
        ["Intel Haswell Family"]                   = "Haswell-noTSX",
        ["Secure Intel Haswell Family"]            = "Haswell-noTSX-IBRS",
        ["Intel Broadwell Family"]                 = "Broadwell-noTSX",
        ["Secure Intel Broadwell Family"]          = "Broadwell-noTSX-IBRS",
        ["Intel Skylake Client Family"]            = "Skylake-Client",
        ["Secure Intel Skylake Client Family"]     = "Skylake-Client-noTSX-IBRS",
        ["Intel Skylake Server Family"]            = "Skylake-Server",
        ["Secure Intel Skylake Server Family"]     = "Skylake-Server-noTSX-IBRS",
        ["Intel Cascadelake Server Family"]        = "Cascadelake-Server",
        ["Secure Intel Cascadelake Server Family"] = "Cascadelake-Server-noTSX",
        ["Intel Icelake Server Family"]            = "Icelake-Server-noTSX",
        ["Secure Intel Icelake Server Family"]     = "Icelake-Server-noTSX",
        ["AMD Opteron G4"]                         = "Opteron_G4",
        ["AMD Opteron G5"]                         = "Opteron_G5",
        ["AMD EPYC"]                               = "EPYC",
        ["Secure AMD EPYC"]                        = "EPYC-IBPB",
        ["AMD EPYC-Rome"]                          = "EPYC-Rome",
        ["Secure AMD EPYC-Rome"]                   = "EPYC-Rome",
        ["AMD EPYC-Milan"]                         = "EPYC-Milan",
        ["Secure AMD EPYC-Milan"]                  = "EPYC-Milan",
    }.ToFrozenDictionary(StringComparer.OrdinalIgnoreCase);

    /// <returns>libvirt's name; null: nothing is known of that type, and the hypervisor chooses.</returns>
    public static IEnumerable<string> Names => _models.Keys.Order(StringComparer.Ordinal);

    public static string? ModelOf(string type) => _models.GetValueOrDefault(type);
}
