using System.Xml.Linq;

namespace Orchestrator.Demo;

/// <summary>A domain that libvirt is given by hand, like one of the engine's.</summary>
public static class Twin
{
    /// <summary>Another machine than the one that it was copied from, also in what the guest reads of itself.</summary>
    public static void Rename(XElement domain, string name)
    {
        var id = Guid.NewGuid().ToString();
        domain.SetElementValue("name", name);
        domain.SetElementValue("uuid", id);
        foreach (var entry in domain.Elements("sysinfo").Descendants("entry").Where(e => (string?)e.Attribute("name") == "uuid")) entry.SetValue(id);
    }
}
