namespace Orchestrator.Actors.Host;

/// <summary>
/// An engine that has just started does not know what happened while all of its nodes were away: a host that was given up
/// before may be well again. So its power is cut only after it was listened to in vain for the whole limit, and a little
/// longer. One that it has heard and loses then is lost under its eyes. A node that takes over from another while the engine
/// runs has no such doubt. Pure.
/// </summary>
public static class StartQuiet
{
    /// <summary>For hosts that come back with the network that had taken the engine away.</summary>
    public static readonly TimeSpan Grace = TimeSpan.FromSeconds(2);

    /// <summary>After this all hosts have been listened to, and who was given up was given up by this engine.</summary>
    public static readonly TimeSpan Lasts = TimeSpan.FromSeconds(60);

    /// <param name="age">How long the engine has run without a moment at which no node did.</param>
    /// <param name="listened">How long the host has been listened to in vain, without pauses of the listener.</param>
    /// <returns>How long its power is to be kept still.</returns>
    public static TimeSpan Left(TimeSpan age, TimeSpan listened, TimeSpan silentAfter) =>
        age >= Lasts || listened >= silentAfter + Grace ? TimeSpan.Zero : silentAfter + Grace - listened;
}
