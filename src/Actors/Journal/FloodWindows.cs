using System.Collections.Frozen;

namespace Orchestrator.Actors.Journal;

/// <summary>Events that come again and again: one of the same code about the same objects is told once in so many seconds.
/// The windows are oVirt's.</summary>
public static class FloodWindows
{
    private const int Minute = 60;
    private const int Hour = 3600;
    private const int Day = 86_400;

    public static FrozenDictionary<int, int> Seconds { get; } = new (int Window, int[] Codes)[]
    {
        (5, [30, 114, 507]),
        (30, [514]),
        (Minute,
        [
            17, 18, 19, 27, 28, 121, 122, 197, 198, 500, 517, 518, 519, 522, 523, 603, 835, 836, 970, 971, 978, 979, 980, 986, 987, 989, 990, 993,
            9500, 9501, 9601, 10452,
        ]),
        (3 * Minute, [9027]),
        (5 * Minute, [123]),
        (10 * Minute, [10300]),
        (15 * Minute, [24, 148, 176, 177, 201]),
        (30 * Minute, [531, 532, 533, 534, 535, 608]),
        (Hour, [23, 25, 160, 169, 524, 604, 983, 985, 1108, 1171]),
        (3 * Hour, [1008, 9502, 9503, 10455]),
        (12 * Hour, [22, 26, 1403]),
        (Day, [536, 843, 844, 845, 846, 847, 848, 849, 876, 877, 878, 879, 883, 889]),
    }.SelectMany(row => row.Codes.Select(code => (code, row.Window))).ToFrozenDictionary(row => row.code, row => row.Window);
}
