namespace Akka.Configuration;

public class ConfigurationFactory
{
    public static Config Empty => new();

    /// <summary>Reads HOCON. Errors are <see cref="ConfigurationException"/> with line and column.</summary>
    public static Config ParseString(string hocon) => new(HoconResolver.Resolve(HoconParser.Parse(hocon)));

    /// <summary>The file "app.conf" or "akka.conf" of the program's folder, if there is one; else empty.</summary>
    internal static Config FromFiles()
    {
        foreach (var name in (string[])["app.conf", "akka.conf", "app.hocon", "akka.hocon"])
        {
            var file = Path.Combine(AppContext.BaseDirectory, name);
            if (File.Exists(file)) return ParseString(File.ReadAllText(file));
        }
        return Empty;
    }

    /// <summary>What holds where the user says nothing.</summary>
    public static Config Default() => DefaultConfig.Instance;
}
