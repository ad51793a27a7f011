using System.Collections.Immutable;
using System.Globalization;
using Orchestrator.Actors;
using Orchestrator.Actors.Cluster;

namespace Orchestrator.Tests.Deciders;

/// <summary>Hosts a, b, c of a little more than 8 GiB each; each word of a load is a host's guests: "4+2" are two that are highly available,
/// "4-2" one that is, and one that is not.</summary>
public sealed class HaReservationTests
{
    [Theory]
    [InlineData("4 4 0", "", "the others have room")]
    [InlineData("4", "a", "nobody else is there")]
    [InlineData("0 0 0", "", "nothing is to be restarted")]
    [InlineData("0-8 0-8", "", "what is not highly available stays away")]
    [InlineData("4 0-8", "a", "but it takes room")]
    [InlineData("5 0-4 0-4", "a", "8 GiB are free, 4 on each: a large guest is not split")]
    [InlineData("3+3+2 0-5 0-2", "", "the largest come first")]
    [InlineData("8 8 0", "", "one host is lost at a time")]
    [InlineData("8 8 1", "a b c", "and each of them needs the room of the other")]
    public void What_cannot_be_lost(string load, string hosts, string why)
    {
        var ha = ImmutableHashSet.CreateBuilder<VmId>();
        var (room, vm) = (Room.Unknown, 0);
        foreach (var (number, words) in load.Split(' ').Index())
        {
            var guests = ImmutableArray.CreateBuilder<GuestShare>();
            foreach (var (index, kind) in words.Split('-').Index())
                foreach (var memory in kind.Split('+'))
                {
                    var guest = new GuestShare(new VmId(Making.Id(++vm)), new Lease(1), long.Parse(memory, CultureInfo.InvariantCulture) << 30);
                    guests.Add(guest);
                    if (index == 0) ha.Add(guest.Vm);
                }

            room = room.Seen(new HostReport(
                new HostId(Making.Id(number)), ((char)('a' + number)).ToString(), 1, true, true, 8, (8L << 30) + (1L << 20), guests.ToImmutable()));
        }

        var found = string.Join(' ', HaReservation.Irreplaceable(room, 100, ha.ToImmutable()));
        Assert.True(hosts == found, $"{why}: {found}");
    }

    /// <summary>Its guests are being restarted by now: whether it may be lost is no question any more.</summary>
    [Fact]
    public void A_host_that_is_lost_already_is_not_named()
    {
        var guest = new GuestShare(new VmId(Making.Id(1)), new Lease(1), 4L << 30);
        var room = Room.Unknown.Seen(new HostReport(new HostId(Making.Id(0)), "a", 1, false, false, 8, 8L << 30, [guest]));
        Assert.Empty(HaReservation.Irreplaceable(room, 100, [guest.Vm]));
    }
}
