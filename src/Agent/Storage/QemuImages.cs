using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using Orchestrator.Agent.Ledgers;
using Orchestrator.Agent.Protocol;

namespace Orchestrator.Agent.Storage;

/// <summary>Image jobs by qemu-img and files. A half-made image is removed before the failure is reported.</summary>
/// <param name="accelerator">Of the machines of its own that a job starts: kvm or tcg.</param>
public sealed class QemuImages(string qemuImg = "/usr/bin/qemu-img", string accelerator = "kvm") : IImageWork
{
    private const string DraftEnding = ".part";
    private static readonly string[] Preallocation = ["-o", "preallocation=falloc"];

    public async Task<ImageResult> Do(
        Guid id, ImageJob job, Action<int> percent, CancellationToken cancel)
    {
        try
        {
            return job switch
            {
                ImageJob.Create c => new ImageResult(await Create(id, c, cancel)),
                ImageJob.Delete d => new ImageResult(Delete(d)),
                ImageJob.Copy c => new ImageResult(await Copy(id, c, percent, cancel)),
                ImageJob.Rewrite r => new ImageResult(await Rewrite(id, r, percent, cancel)),
                ImageJob.Seal s => await Sealing.Do([.. s.Images.Select(i => (Absolute(i.Path), Word(i.Format)))], accelerator, cancel),
                ImageJob.Grow g => new ImageResult(await Grow(g, cancel)),
                ImageJob.Merge m => new ImageResult(await Merge(m, percent, cancel)),
                ImageJob.PrepareDomain p => new(Domain: DomainFolder.Prepare(p.Path, p.Domain, p.Owner)),
                ImageJob.CheckDomain c => new(Domain: DomainFolder.Check(c.Path, c.Domain)),
                _ => throw new ImageWorkException($"{job.GetType().Name} is not a job of this agent"),
            };
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new ImageWorkException(e.Message, e);
        }
    }

    public async Task<ImageFacts?> Made(Guid id, ImageJob job, CancellationToken cancel)
    {
        try
        {
            return job switch
            {
                ImageJob.Create c when ImageMark.IsOn(Absolute(c.Path), id) => await Facts(c.Path, c.Format, cancel),
                ImageJob.Copy c when ImageMark.IsOn(Absolute(c.Destination), id) => await Facts(c.Destination, c.DestinationFormat, cancel),
                ImageJob.Rewrite r when ImageMark.IsOn(Absolute(r.Destination), id) => await Facts(r.Destination, r.DestinationFormat, cancel),
                ImageJob.Grow g when File.Exists(Absolute(g.Path)) && await Facts(g.Path, g.Format, cancel) is var now && now.VirtualBytes >= g.SizeBytes => now,
                _ => null,
            };
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new ImageWorkException(e.Message, e);
        }
    }

    private async Task<ImageFacts> Create(Guid id, ImageJob.Create job, CancellationToken cancel)
    {
        if (await Made(id, job, cancel) is { } made) return made;
        Absent(Absolute(job.Path));
        Directory.CreateDirectory(Path.GetDirectoryName(job.Path)!);
        var draft = Draft(job.Path, id);
        List<string> words = ["create", "-q", "-f", Word(job.Format)];
        if (job.Backing is { } backing)
        {
            if (job.Format != DiskFormat.Qcow2) throw new ImageWorkException("only a qcow2 image can have a backing image");
            words.AddRange(["-b", Absolute(backing), "-F", Word(job.BackingFormat ?? DiskFormat.Qcow2)]);
        }

        if (job.Preallocated) words.AddRange(Preallocation);
        words.Add(draft);
        if (job.SizeBytes > 0) words.Add(job.SizeBytes.ToString(CultureInfo.InvariantCulture));
        await Finish(id, draft, job.Path, () => Run(words, null, cancel));
        return await Facts(job.Path, job.Format, cancel);
    }

    private async Task<ImageFacts> Copy(Guid id, ImageJob.Copy job, Action<int> percent, CancellationToken cancel)
    {
        if (await Made(id, job, cancel) is { } made) return made;
        Absent(Absolute(job.Destination));
        Directory.CreateDirectory(Path.GetDirectoryName(job.Destination)!);
        var draft = Draft(job.Destination, id);
        List<string> words =
        [
            "convert", "-p", "-t", "none", "-T", "none", "-f", Word(job.SourceFormat), "-O", Word(job.DestinationFormat),
            .. job.Preallocated ? Preallocation : [], Absolute(job.Source), draft,
        ];
        await Finish(id, draft, job.Destination, () => Run(words, percent, cancel));
        return await Facts(job.Destination, job.DestinationFormat, cancel);
    }

    /// <summary>The drafts of agents that died at it go when it is done: nobody else is to make this image.</summary>
    private async Task<ImageFacts> Rewrite(Guid id, ImageJob.Rewrite job, Action<int> percent, CancellationToken cancel)
    {
        if (await Made(id, job, cancel) is { } made) return made;
        Absent(Absolute(job.Destination));
        Directory.CreateDirectory(Path.GetDirectoryName(job.Destination)!);
        var draft = Draft(job.Destination, id);
        // Of the two passes the first takes longer: it writes.
        await Finish(id, draft, job.Destination, async () =>
        {
            await Run(
                [
                    "convert", "-p", "-t", "none", "-T", "none", "-S", "4k", "-f", Word(job.SourceFormat), "-O", Word(job.DestinationFormat),
                    .. job.Preallocated ? Preallocation : [], Absolute(job.Source), draft,
                ],
                done => percent(done * 2 / 3), cancel);
            await Run(
                ["compare", "-p", "-T", "none", "-f", Word(job.SourceFormat), "-F", Word(job.DestinationFormat), job.Source, draft],
                done => percent(66 + (done / 3)), cancel);
        });
        foreach (var left in Drafts(job.Destination)) File.Delete(left);
        return await Facts(job.Destination, job.DestinationFormat, cancel);
    }

    private async Task<ImageFacts> Grow(ImageJob.Grow job, CancellationToken cancel)
    {
        var now = await Facts(Absolute(job.Path), job.Format, cancel);
        if (now.VirtualBytes >= job.SizeBytes) return now;
        List<string> preallocation = job.Preallocated ? ["--preallocation=falloc"] : [];
        await Run(["resize", "-q", "-f", Word(job.Format), .. preallocation, job.Path, job.SizeBytes.ToString(CultureInfo.InvariantCulture)], null, cancel);
        return await Facts(job.Path, job.Format, cancel);
    }

    /// <summary>What rests on the image reads right at any moment: until it is linked past the image, it reads what was put into
    /// the lower one through it.</summary>
    private async Task<ImageFacts> Merge(ImageJob.Merge job, Action<int> percent, CancellationToken cancel)
    {
        if (job.Above is null || await Below(Absolute(job.Above), cancel) != job.Base)
        {
            if (await Below(Absolute(job.Path), cancel) is var below && below != job.Base)
                throw new ImageWorkException($"{job.Path} rests on {below ?? "nothing"}, and not on {job.Base}");
            await Run(["commit", "-p", "-d", "-f", "qcow2", "-b", Absolute(job.Base), job.Path], percent, cancel);
            if (job.Above is { } above) await Run(["rebase", "-u", "-q", "-f", "qcow2", "-b", job.Base, "-F", Word(job.BaseFormat), above], null, cancel);
        }

        return await Facts(job.Base, job.BaseFormat, cancel);
    }

    private async Task<string?> Below(string path, CancellationToken cancel)
    {
        using var json = JsonDocument.Parse(await Run(["info", "-U", "--output=json", "-f", "qcow2", path], null, cancel));
        return json.RootElement.TryGetProperty("full-backing-filename", out var below) ? below.GetString() : null;
    }

    private static ImageFacts? Delete(ImageJob.Delete job)
    {
        var folder = Path.GetDirectoryName(Absolute(job.Path))!;
        if (!Directory.Exists(folder)) return null;
        File.Delete(job.Path);
        // Left by an agent that died while it made the image, or just after: the draft is a second name for it then.
        foreach (var draft in Drafts(job.Path)) File.Delete(draft);
        ImageMark.Delete(job.Path);
        Overlays.DeleteAll(job.Path, except: null);
        Folder.Sync(folder);
        return null;
    }

    private static string[] Drafts(string image) =>
        Directory.GetFiles(Path.GetDirectoryName(image)!, $"{Path.GetFileName(image)}.*{DraftEnding}");

    /// <summary>An empty image as big as another one, which a guest may have open. A file of that name is one that an agent
    /// before this left half-made: each move has names of its own.</summary>
    internal static async Task MakeEmpty(string like, string path, DiskFormat format, CancellationToken cancel)
    {
        try
        {
            var images = new QemuImages();
            if (File.Exists(Absolute(path))) File.Delete(path);
            await images.Create(Guid.NewGuid(), new ImageJob.Create(path, format, await images.VirtualBytes(like, cancel)), cancel);
            ImageMark.Delete(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new ImageWorkException(e.Message, e);
        }
    }

    private async Task<long> VirtualBytes(string path, CancellationToken cancel)
    {
        using var json = JsonDocument.Parse(await Run(["info", "-U", "--output=json", path], null, cancel));
        return json.RootElement.GetProperty("virtual-size").GetInt64();
    }

    private async Task<ImageFacts> Facts(string path, DiskFormat format, CancellationToken cancel)
    {
        var text = await Run(["info", "-U", "--output=json", "-f", Word(format), path], null, cancel);
        using var json = JsonDocument.Parse(text);
        return new ImageFacts(
            format, json.RootElement.GetProperty("virtual-size").GetInt64(),
            json.RootElement.GetProperty("actual-size").GetInt64());
    }

    /// <returns>The exit code, and what it wrote.</returns>
    /// <param name="tolerated">Exit codes up to this one are no failure.</param>
    internal static async Task<(int Code, string Said)> Ask(List<string> words, int tolerated, CancellationToken cancel)
    {
        using var process = Process.Start(new ProcessStartInfo("/usr/bin/qemu-img", words)
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        }) ?? throw new ImageWorkException("qemu-img could not be started");
        var errors = process.StandardError.ReadToEndAsync(cancel);
        var output = await process.StandardOutput.ReadToEndAsync(cancel);
        await process.WaitForExitAsync(cancel);
        return process.ExitCode <= tolerated
            ? (process.ExitCode, tolerated == 0 ? output : await errors)
            : throw new ImageWorkException((await errors).Trim());
    }

    private async Task<string> Run(List<string> words, Action<int>? percent, CancellationToken cancel)
    {
        using var process = Process.Start(new ProcessStartInfo(qemuImg, words)
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        }) ?? throw new ImageWorkException($"{qemuImg} could not be started");
        try
        {
            var errors = process.StandardError.ReadToEndAsync(cancel);
            var output = percent is null
                ? await process.StandardOutput.ReadToEndAsync(cancel)
                : await Progress(process.StandardOutput, percent, cancel);
            await process.WaitForExitAsync(cancel);
            if (process.ExitCode == 0) return output;
            var said = (await errors).Trim();
            throw new ImageWorkException(said != "" ? said : $"qemu-img {words[0]} ended with {process.ExitCode}");
        }
        catch (OperationCanceledException)
        {
            process.Kill(entireProcessTree: true);
            throw;
        }
    }

    /// <summary>qemu-img writes "    (12.34/100%)" and a carriage return.</summary>
    private static async Task<string> Progress(StreamReader output, Action<int> percent, CancellationToken cancel)
    {
        var buffer = new char[256];
        var text = "";
        for (int n; (n = await output.ReadAsync(buffer, cancel)) > 0;)
        {
            text = (text + new string(buffer, 0, n))[^Math.Min(text.Length + n, 64)..];
            var open = text.LastIndexOf('(');
            var slash = open < 0 ? -1 : text.IndexOf('/', open);
            if (slash > 0 && double.TryParse(text.AsSpan(open + 1, slash - open - 1), CultureInfo.InvariantCulture, out var p))
                percent((int)p);
        }

        return "";
    }

    /// <summary>Two hosts may make one image at a time, when the first was silent for a while: each makes its own.</summary>
    private static string Draft(string path, Guid job) => $"{path}.{job:N}-{Guid.NewGuid():N}{DraftEnding}";

    /// <summary>Gives the draft the image's name, unless somebody has it: whoever comes second has made nothing, but where the
    /// first one had the same job.</summary>
    private static async Task Finish(Guid job, string draft, string path, Func<Task> make)
    {
        var mark = "";
        try
        {
            await make();
            mark = ImageMark.Put(draft, path, job);
            Folder.Publish(draft, path);
        }
        catch (Exception e)
        {
            File.Delete(draft);
            if (mark != "") File.Delete(mark);
            if (e is IOException && ImageMark.IsOn(path, job)) return;
            throw;
        }
    }

    private static void Absent(string path)
    {
        if (File.Exists(path)) throw new ImageWorkException($"{path} exists already and is not overwritten");
    }

    private static string Absolute(string path) =>
        Path.IsPathRooted(path) && Path.GetFullPath(path) == path
            ? path
            : throw new ImageWorkException($"'{path}' is not an absolute path in its simplest form");

    private static string Word(DiskFormat format) => format == DiskFormat.Raw ? "raw" : "qcow2";
}
