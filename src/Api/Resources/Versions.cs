using Orchestrator.Api.Representation;

namespace Orchestrator.Api.Resources;

internal static class Versions
{
    /// <summary>The compatibility level that all data centers and clusters have: there is one.</summary>
    public static Element Level(ApiOptions options) =>
        Shapes.Version.New().With("major", options.Major).With("minor", options.Minor);
}
