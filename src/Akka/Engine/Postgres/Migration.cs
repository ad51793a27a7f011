namespace Orchestrator.Engine.Postgres;

/// <summary>
/// A numbered step of the schema, run once, in one transaction. Numbers are never reused, and the text of a released
/// step never changes. Below <see cref="FirstOfOwnTable"/>: version 0.1.0, whose schema is adopted as it is. From there
/// on all areas (engine, read model, sign-on) share one sequence, so that the highest number says what a program knows.
/// </summary>
public sealed record Migration(int Number, string Name, string Sql)
{
    /// <summary>From this number on, steps are recorded in cluster.schema_steps. Engines of 0.1.0 refuse any number in
    /// cluster.migrations that they do not know, also harmless ones, and have to live on during a rolling upgrade.</summary>
    public const int FirstOfOwnTable = 300;

    /// <summary>
    /// A program that knows no step as high as this cannot use the database once this step is done. 0 (the default): the
    /// step only adds, any program can go on. Higher: the step takes something away that programs before that step use;
    /// it waits until every member knows step <see cref="OldestReader"/>.
    /// </summary>
    public int OldestReader { get; init; }
}

/// <summary>A step as the database records it; <see cref="At"/> is null when it is still to be done.</summary>
public sealed record SchemaStep(int Number, string Name, DateTimeOffset? At, string EngineVersion, int OldestReader);
