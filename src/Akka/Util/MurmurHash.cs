using System.Numerics;

namespace Akka.Util;

/// <summary>The hash by which Akka spreads texts: two streams of multipliers mix one word after the other into the
/// state, then the state is stirred. The constants are Akka's and are part of what clusters have stored.</summary>
public static class MurmurHash
{
    public const uint StartMagicA = 0x95543787;
    public const uint StartMagicB = 0x2ad7eb25;
    private const uint TextSeed = 0x331df49;

    public static uint StartHash(uint seed) => seed ^ 0x971e137b;

    public static uint NextMagicA(uint magicA) => (magicA * 5) + 0x7b7d159c;

    public static uint NextMagicB(uint magicB) => (magicB * 5) + 0x6bce6396;

    public static uint ExtendHash(uint hash, uint value, uint magicA, uint magicB) =>
        ((hash ^ (BitOperations.RotateLeft(value * magicA, 11) * magicB)) * 3) + 0x52dce729;

    public static uint FinalizeHash(uint hash)
    {
        hash = (hash ^ (hash >> 16)) * 0x85ebca6b;
        hash = (hash ^ (hash >> 13)) * 0xc2b2ae35;
        return hash ^ (hash >> 16);
    }

    /// <summary>Takes two UTF-16 units at a time, the first one in the upper half of the word.</summary>
    public static int StringHash(string s)
    {
        var (hash, a, b) = (StartHash((uint)s.Length * TextSeed), StartMagicA, StartMagicB);
        var at = 0;
        for (; at + 1 < s.Length; at += 2)
        {
            hash = ExtendHash(hash, ((uint)s[at] << 16) + s[at + 1], a, b);
            (a, b) = (NextMagicA(a), NextMagicB(b));
        }
        if (at < s.Length) hash = ExtendHash(hash, s[at], a, b);
        return (int)FinalizeHash(hash);
    }
}
