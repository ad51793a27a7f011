namespace Akka;

/// <summary>Says that something was done, where a value is asked for.</summary>
public sealed class Done
{
    public static readonly Done Instance = new();

    private Done() { }
}
