namespace Orchestrator.Actors.Watching;

/// <summary>Asks a node about itself, at <see cref="Witness"/>; answered with <see cref="NodeTold"/>.</summary>
/// <param name="What">"report", or "stuck".</param>
/// <param name="Seconds">For "stuck": only what waits for at least so long.</param>
public sealed record AskNode(string What, long Seconds)
{
    /// <summary>Name of the actor under /user that answers.</summary>
    public const string Witness = "witness";
}

/// <param name="Json">Fields may be added, never renamed: nodes of two versions ask each other.</param>
public sealed record NodeTold(string Json);
