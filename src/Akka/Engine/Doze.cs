namespace Orchestrator.Engine;

/// <summary>An entity's request to its shard to be stopped by this message, as <c>Passivate</c>; but it stays remembered,
/// and is woken when its shard starts elsewhere. For who has nothing to do and still runs something.</summary>
public sealed record Doze(object StopMessage);
