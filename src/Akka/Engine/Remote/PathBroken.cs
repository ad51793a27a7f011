namespace Orchestrator.Engine;

/// <summary>Published on the event stream when the connection to a member broke, or is known to be cut: what was sent last
/// may not have arrived.</summary>
public sealed record PathBroken(NodeId To);
