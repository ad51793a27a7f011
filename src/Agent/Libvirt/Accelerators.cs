namespace Orchestrator.Agent.Libvirt;

/// <summary>KVM only where a probe guest has booted under it: a /dev/kvm that is there may still hang every guest.</summary>
internal static class Accelerators
{
    public static string Choose(AgentConfig config) => config.Accelerator switch
    {
        "kvm" or "tcg" => config.Accelerator,
        "auto" => File.Exists(config.AcceleratorProbe) && File.ReadAllText(config.AcceleratorProbe).Trim() == "kvm"
            ? "kvm"
            : "tcg",
        _ => throw new ArgumentException($"hypervisor.accelerator is '{config.Accelerator}'; it may be auto, kvm or tcg"),
    };
}
