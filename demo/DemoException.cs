namespace Orchestrator.Demo;

/// <summary>The demo cannot go on; the message says why, in words for whoever watches it.</summary>
public sealed class DemoException(string message) : Exception(message);
