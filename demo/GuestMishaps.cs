namespace Orchestrator.Demo;

/// <summary>What may befall a guest that runs while something is done to its disk.</summary>
public enum GuestMishap { Undisturbed, HostPower, AgentKilled, LibvirtKilled, EngineNodeKilled, EngineApart, PowerOff }

public static class GuestMishaps
{
    /// <summary>All of them in turn.</summary>
    public static GuestMishap Of(int number) => (GuestMishap)(number % Enum.GetValues<GuestMishap>().Length);

    public static string Words(GuestMishap kind) => kind switch
    {
        GuestMishap.HostPower => "its host loses its power",
        GuestMishap.AgentKilled => "agent killed",
        GuestMishap.LibvirtKilled => "libvirtd killed",
        GuestMishap.EngineNodeKilled => "engine node that owns the VM killed",
        GuestMishap.EngineApart => "host and engine apart",
        GuestMishap.PowerOff => "VM powered off by the API",
        _ => "nothing happens",
    };

    /// <summary>It happens now, and is healed some seconds later, where it does not heal by itself.</summary>
    public static async Task Befall(GuestMishap kind, int host, WritingGuest guest, Installation installation, Random random)
    {
        var hosts = guest.Hosts;
        switch (kind)
        {
            case GuestMishap.HostPower:
                await hosts.LosePower(host);
                break;
            case GuestMishap.AgentKilled:
                await hosts.Act(host, "agent", "kill");
                break;
            case GuestMishap.LibvirtKilled:
                await hosts.Act(host, "libvirt", "kill");
                break;
            case GuestMishap.EngineNodeKilled:
                var takeover = new Takeover(guest.Api, hosts, installation, guest.Vm);
                var victim = await takeover.Kill();
                await Lasts();
                if (victim != 0) await takeover.Restart(victim);
                break;
            case GuestMishap.EngineApart:
                await hosts.Act(host, "cut", "engine");
                await Lasts();
                if (hosts.IsOn(host)) await hosts.Act(host, "heal");
                break;
            case GuestMishap.PowerOff:
                await guest.Vm.Act("stop");
                break;
        }

        Task Lasts() => Task.Delay(TimeSpan.FromSeconds(2 + random.Next(6)));
    }
}
