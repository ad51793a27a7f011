using System.Buffers.Binary;
using System.Text;

namespace Orchestrator.Agent.Seeds;

/// <summary>
/// Writes small files as a CD (ISO 9660 with Joliet names, which Linux and Windows read by themselves). The layout: descriptors from
/// sector 16, then per kind of names its path table in both byte orders and its folders, then the files once for both.
/// </summary>
internal static class Iso9660
{
    private const int Sector = 2048, FirstDescriptor = 16;

    /// <param name="files">Paths with "/" between their parts.</param>
    /// <param name="made">The date on each of them.</param>
    public static byte[] Write(string label, IEnumerable<(string Path, byte[] Content)> files, DateTimeOffset made)
    {
        var root = new Folder("", null);
        foreach (var (path, content) in files) root.Add(path.Split('/'), content);
        var (plain, joliet) = (new Names(root, wide: false), new Names(root, wide: true));
        var next = FirstDescriptor + 3;
        next = plain.Place(next);
        next = joliet.Place(next);
        foreach (var file in root.AllFiles())
        {
            file.Sector = next;
            next += Sectors(file.Content.Length);
        }

        var image = new byte[next * Sector];
        plain.Describe(image.AsSpan(FirstDescriptor * Sector, Sector), label, next, made);
        joliet.Describe(image.AsSpan((FirstDescriptor + 1) * Sector, Sector), label, next, made);
        var end = image.AsSpan((FirstDescriptor + 2) * Sector, Sector);
        end[0] = 255;
        "CD001"u8.CopyTo(end[1..]);
        end[6] = 1;
        plain.Write(image, made);
        joliet.Write(image, made);
        foreach (var file in root.AllFiles()) file.Content.CopyTo(image.AsSpan(file.Sector * Sector));
        return image;
    }

    private static int Sectors(int bytes) => Math.Max(1, (bytes + Sector - 1) / Sector);

    private sealed class Item(string name, byte[] content)
    {
        public string Name => name;
        public byte[] Content => content;
        public int Sector { get; set; }
    }

    private sealed class Folder(string name, Folder? parent)
    {
        public string Name => name;
        public Folder Parent => parent ?? this;
        public List<Folder> Folders { get; } = [];
        public List<Item> Files { get; } = [];

        public void Add(ReadOnlySpan<string> path, byte[] content)
        {
            if (path.Length == 1)
            {
                Files.Add(new Item(path[0], content));
                return;
            }

            var first = path[0];
            var inner = Folders.Find(f => f.Name == first);
            if (inner is null) Folders.Add(inner = new Folder(first, this));
            inner.Add(path[1..], content);
        }

        public IEnumerable<Item> AllFiles() => Files.Concat(Folders.SelectMany(f => f.AllFiles()));
    }

    /// <summary>The tree under one kind of names: eight characters and three, or those of Joliet, big-endian UTF-16.</summary>
    private sealed class Names
    {
        private readonly bool _wide;
        private readonly List<Folder> _folders = [];
        private readonly Dictionary<Folder, int> _sectors = [];
        private readonly Dictionary<object, byte[]> _names = [];
        private readonly byte[] _little, _big;
        private int _littleAt, _bigAt;

        public Names(Folder root, bool wide)
        {
            _wide = wide;
            _folders.Add(root);
            // By depth and then by name, as the path table wants it.
            for (var at = 0; at < _folders.Count; at++)
            {
                var taken = new HashSet<string>(StringComparer.Ordinal);
                foreach (var folder in _folders[at].Folders) _names[folder] = Name(folder.Name, file: false, taken);
                foreach (var file in _folders[at].Files) _names[file] = Name(file.Name, file: true, taken);
                _folders.AddRange(_folders[at].Folders.OrderBy(f => Convert.ToHexString(_names[f]), StringComparer.Ordinal));
            }

            _names[root] = [0];
            _little = new byte[_folders.Sum(f => PathLength(f))];
            _big = new byte[_little.Length];
        }

        /// <returns>The first sector after it.</returns>
        public int Place(int sector)
        {
            (_littleAt, _bigAt) = (sector, sector + Sectors(_little.Length));
            sector = _bigAt + Sectors(_big.Length);
            foreach (var folder in _folders)
            {
                _sectors[folder] = sector;
                sector += Sectors(Length(folder));
            }

            return sector;
        }

        public void Describe(Span<byte> at, string label, int sectors, DateTimeOffset made)
        {
            at[0] = (byte)(_wide ? 2 : 1);
            "CD001"u8.CopyTo(at[1..]);
            at[6] = 1;
            Text(at.Slice(8, 32), "");
            Text(at.Slice(40, 32), label);
            Both32(at[80..], sectors);
            if (_wide) "%/E"u8.CopyTo(at[88..]);
            Both16(at[120..], 1);
            Both16(at[124..], 1);
            Both16(at[128..], Sector);
            Both32(at[132..], _little.Length);
            BinaryPrimitives.WriteInt32LittleEndian(at[140..], _littleAt);
            BinaryPrimitives.WriteInt32BigEndian(at[148..], _bigAt);
            Record(at[156..], [0], _sectors[_folders[0]], Length(_folders[0]), folder: true, made);
            Text(at.Slice(190, 623), "");
            var date = Encoding.ASCII.GetBytes(made.UtcDateTime.ToString("yyyyMMddHHmmss", System.Globalization.CultureInfo.InvariantCulture) + "00");
            foreach (var start in (int[])[813, 830, 847, 864])
            {
                at.Slice(start, 16).Fill((byte)'0');
                if (start < 847) date.CopyTo(at[start..]);
            }

            at[881] = 1;
        }

        public void Write(byte[] image, DateTimeOffset made)
        {
            var at = 0;
            foreach (var folder in _folders)
            {
                var name = _names[folder];
                foreach (var (table, big) in (ReadOnlySpan<(byte[], bool)>)[(_little, false), (_big, true)])
                {
                    var entry = table.AsSpan(at);
                    entry[0] = (byte)name.Length;
                    var number = (short)(_folders.IndexOf(folder.Parent) + 1);
                    if (big)
                    {
                        BinaryPrimitives.WriteInt32BigEndian(entry[2..], _sectors[folder]);
                        BinaryPrimitives.WriteInt16BigEndian(entry[6..], number);
                    }
                    else
                    {
                        BinaryPrimitives.WriteInt32LittleEndian(entry[2..], _sectors[folder]);
                        BinaryPrimitives.WriteInt16LittleEndian(entry[6..], number);
                    }

                    name.CopyTo(entry[8..]);
                }

                at += PathLength(folder);
                Write(image.AsSpan(_sectors[folder] * Sector), folder, made);
            }

            _little.CopyTo(image.AsSpan(_littleAt * Sector));
            _big.CopyTo(image.AsSpan(_bigAt * Sector));
        }

        private void Write(Span<byte> at, Folder folder, DateTimeOffset made)
        {
            var used = 0;
            used += Record(at[used..], [0], _sectors[folder], Length(folder), folder: true, made);
            used += Record(at[used..], [1], _sectors[folder.Parent], Length(folder.Parent), folder: true, made);
            foreach (var inner in folder.Folders.Select(f => (Key: (object)f, Sector: _sectors[f], Bytes: Length(f), IsFolder: true))
                .Concat(folder.Files.Select(f => (Key: (object)f, f.Sector, Bytes: f.Content.Length, IsFolder: false)))
                .OrderBy(i => Convert.ToHexString(_names[i.Key]), StringComparer.Ordinal))
            {
                // No record reaches over the end of a sector.
                if ((used % Sector) + RecordLength(_names[inner.Key]) > Sector) used = (used / Sector * Sector) + Sector;
                used += Record(at[used..], _names[inner.Key], inner.Sector, inner.Bytes, inner.IsFolder, made);
            }
        }

        private int Length(Folder folder)
        {
            var used = 2 * RecordLength([0]);
            foreach (var name in folder.Folders.Select(f => _names[f]).Concat(folder.Files.Select(f => _names[f])).OrderBy(Convert.ToHexString, StringComparer.Ordinal))
                used = ((used % Sector) + RecordLength(name) > Sector ? (used / Sector * Sector) + Sector : used) + RecordLength(name);
            return Sectors(used) * Sector;
        }

        private int PathLength(Folder folder) => 8 + _names[folder].Length + (_names[folder].Length % 2);

        private static int RecordLength(byte[] name) => 33 + name.Length + (name.Length % 2 == 0 ? 1 : 0);

        private static int Record(Span<byte> at, byte[] name, int sector, int bytes, bool folder, DateTimeOffset made)
        {
            var length = RecordLength(name);
            at[0] = (byte)length;
            Both32(at[2..], sector);
            Both32(at[10..], bytes);
            var utc = made.UtcDateTime;
            ((ReadOnlySpan<byte>)[(byte)(utc.Year - 1900), (byte)utc.Month, (byte)utc.Day, (byte)utc.Hour, (byte)utc.Minute, (byte)utc.Second, 0]).CopyTo(at[18..]);
            at[25] = (byte)(folder ? 2 : 0);
            Both16(at[28..], 1);
            at[32] = (byte)name.Length;
            name.CopyTo(at[33..]);
            return length;
        }

        private byte[] Name(string name, bool file, HashSet<string> taken)
        {
            if (_wide) return Encoding.BigEndianUnicode.GetBytes(name.Length > 64 ? name[..64] : name);
            var dot = name.LastIndexOf('.');
            var (stem, more) = file && dot > 0 ? (name[..dot], name[(dot + 1)..]) : (name, "");
            (stem, more) = (Short(stem, 8), Short(more, 3));
            for (var n = 1; !taken.Add($"{stem}.{more}"); n++) stem = Short(stem, 6) + n.ToString("00", System.Globalization.CultureInfo.InvariantCulture);
            return Encoding.ASCII.GetBytes(file ? $"{stem}.{more};1" : stem);
        }

        private static string Short(string name, int length)
        {
            var upper = Upper(name);
            return upper.Length > length ? upper[..length] : upper;
        }

        private static string Upper(string text) => new([.. text.ToUpperInvariant().Select(c => char.IsAsciiLetterOrDigit(c) ? c : '_')]);

        /// <summary>Filled with spaces.</summary>
        private void Text(Span<byte> at, string text)
        {
            for (var n = 0; n < at.Length; n++) at[n] = (byte)(_wide && n % 2 == 0 ? 0 : ' ');
            (_wide ? Encoding.BigEndianUnicode : Encoding.ASCII).GetBytes(text).CopyTo(at);
        }

        private static void Both16(Span<byte> at, int number)
        {
            BinaryPrimitives.WriteInt16LittleEndian(at, (short)number);
            BinaryPrimitives.WriteInt16BigEndian(at[2..], (short)number);
        }

        private static void Both32(Span<byte> at, int number)
        {
            BinaryPrimitives.WriteInt32LittleEndian(at, number);
            BinaryPrimitives.WriteInt32BigEndian(at[4..], number);
        }
    }
}
