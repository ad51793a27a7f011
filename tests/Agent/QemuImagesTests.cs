using System.Text.Json;
using Microsoft.Extensions.Logging.Abstractions;
using Orchestrator.Agent.Ledgers;
using Orchestrator.Agent.Protocol;
using Orchestrator.Agent.Storage;

namespace Orchestrator.Tests.Agent;

/// <summary>Images by the real qemu-img: one that is made has its name at once and whole, one that failed leaves nothing.</summary>
public sealed class QemuImagesTests : IDisposable
{
    private const string QemuImg = "/usr/bin/qemu-img";
    private readonly string _folder = Directory.CreateTempSubdirectory("orchestrator-images-").FullName;

    private string Image => Path.Combine(_folder, "image");

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [SkippableFact]
    public async Task Of_many_who_make_one_image_one_has_made_it()
    {
        Skip.IfNot(File.Exists(QemuImg), $"{QemuImg} is not there");
        var made = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => Made(new ImageJob.Create(Image, DiskFormat.Qcow2, 1 << 20))));
        Assert.Single(made, m => m);
        var files = Directory.GetFiles(_folder).Order().ToArray();
        Assert.Equal((Image, 2, ".made"), (files[0], files.Length, Path.GetExtension(files[1])));
        await new QemuImages(QemuImg).Do(Guid.NewGuid(), new ImageJob.Delete(Image), _ => { }, CancellationToken.None);
        Assert.Empty(Directory.GetFiles(_folder));
    }

    [SkippableTheory]
    [InlineData(DiskFormat.Raw)]
    [InlineData(DiskFormat.Qcow2)]
    public async Task An_image_grows_once_however_often_it_is_said_and_never_shrinks(DiskFormat format)
    {
        Skip.IfNot(File.Exists(QemuImg), $"{QemuImg} is not there");
        Assert.True(await Made(new ImageJob.Create(Image, format, 1 << 20)));
        Assert.Equal(3 << 20, await Size(new ImageJob.Grow(Image, format, 3 << 20)));
        Assert.Equal(3 << 20, await Size(new ImageJob.Grow(Image, format, 3 << 20)));
        Assert.Equal(3 << 20, await Size(new ImageJob.Grow(Image, format, 2 << 20)));
        await Assert.ThrowsAsync<ImageWorkException>(() => Size(new ImageJob.Grow($"{Image}-2", format, 2 << 20)));
    }

    [SkippableTheory]
    [InlineData(DiskFormat.Raw)]
    [InlineData(DiskFormat.Qcow2)]
    public async Task A_preallocated_image_has_all_of_its_space_from_the_start(DiskFormat format)
    {
        Skip.IfNot(File.Exists(QemuImg), $"{QemuImg} is not there");
        var images = new QemuImages(QemuImg);
        async Task<long> Taken(ImageJob job) => (await images.Do(Guid.NewGuid(), job, _ => { }, CancellationToken.None)).Image!.ActualBytes;
        Assert.InRange(await Taken(new ImageJob.Create(Image, format, 4 << 20)), 0, 1 << 20);
        Assert.InRange(await Taken(new ImageJob.Create($"{Image}-2", format, 4 << 20) { Preallocated = true }), 4 << 20, 5 << 20);
        Assert.InRange(await Taken(new ImageJob.Grow($"{Image}-2", format, 8 << 20) { Preallocated = true }), 8 << 20, 9 << 20);
        Assert.InRange(await Taken(new ImageJob.Copy(Image, format, $"{Image}-3", format) { Preallocated = true }), 4 << 20, 5 << 20);
    }

    /// <summary>What was written and is zeroes by now takes no space in the new image, which reads the same.</summary>
    [SkippableTheory]
    [InlineData(DiskFormat.Raw, DiskFormat.Raw)]
    [InlineData(DiskFormat.Raw, DiskFormat.Qcow2)]
    [InlineData(DiskFormat.Qcow2, DiskFormat.Raw)]
    public async Task An_image_is_written_anew_beside_itself(DiskFormat from, DiskFormat to)
    {
        Skip.IfNot(File.Exists(QemuImg), $"{QemuImg} is not there");
        var images = new QemuImages(QemuImg);
        var (plain, made, back) = (Path.Combine(_folder, "plain"), $"{Image}-2", $"{Image}-3");
        var bytes = new byte[8 << 20];
        new Random(1).NextBytes(bytes.AsSpan(1 << 20, 1 << 20));
        await File.WriteAllBytesAsync(plain, bytes);
        async Task<ImageFacts> Do(ImageJob job, Action<int>? percent = null) =>
            (await images.Do(Guid.NewGuid(), job, percent ?? (_ => { }), CancellationToken.None)).Image!;
        if (from == DiskFormat.Raw) File.Copy(plain, Image);
        else await Do(new ImageJob.Copy(plain, DiskFormat.Raw, Image, from) { Preallocated = true });
        var before = await File.ReadAllBytesAsync(Image);
        // Of an agent that died at it.
        await File.WriteAllTextAsync($"{made}.0123.part", "");

        var told = new List<int>();
        var facts = await Do(new ImageJob.Rewrite(Image, from, made, to), told.Add);

        Assert.InRange(facts.ActualBytes, 1 << 20, 2 << 20);
        Assert.Equal((to, 8L << 20), (facts.Format, facts.VirtualBytes));
        Assert.Equal(100, told.Max() is 99 or 100 ? 100 : told.Max());
        Assert.Equal(before, await File.ReadAllBytesAsync(Image));
        Assert.Empty(Directory.GetFiles(_folder, "*.part"));
        await Do(new ImageJob.Copy(made, to, back, DiskFormat.Raw));
        Assert.Equal(bytes, await File.ReadAllBytesAsync(back));
        Assert.InRange((await Do(new ImageJob.Rewrite(made, to, $"{Image}-4", to) { Preallocated = true })).ActualBytes, 8 << 20, 9 << 20);
    }

    [SkippableFact]
    public async Task An_image_that_does_not_read_as_the_one_before_is_none()
    {
        Skip.IfNot(File.Exists(QemuImg), $"{QemuImg} is not there");
        await File.WriteAllBytesAsync(Image, new byte[1 << 20]);
        var liar = Path.Combine(_folder, "qemu-img");
        await File.WriteAllTextAsync(liar, $"""
            #!/bin/bash
            {QemuImg} "$@" || exit
            if [ "$1" = convert ]; then printf x | dd of="${"{@: -1}"}" conv=notrunc status=none; fi
            """);
        File.SetUnixFileMode(liar, UnixFileMode.UserRead | UnixFileMode.UserExecute);
        var job = new ImageJob.Rewrite(Image, DiskFormat.Raw, $"{Image}-2", DiskFormat.Raw);
        await Assert.ThrowsAsync<ImageWorkException>(() => new QemuImages(liar).Do(Guid.NewGuid(), job, _ => { }, CancellationToken.None));
        Assert.Equal([Image, liar], Directory.GetFiles(_folder).Order());
    }

    /// <summary>virt-sysprep runs the images in a machine of its own, which takes its time.</summary>
    [SkippableFact]
    public async Task What_belongs_to_one_machine_alone_is_taken_off_its_images()
    {
        Skip.IfNot(File.Exists("/usr/bin/virt-sysprep") && File.Exists("/usr/bin/virt-make-fs"), "libguestfs-tools is not there");
        var root = Path.Combine(_folder, "root");
        foreach (var folder in (string[])["bin", "etc/ssh", "boot", "home", "lib", "proc", "sbin", "usr/bin", "usr/lib", "var/log", "root", "tmp"])
            Directory.CreateDirectory(Path.Combine(root, folder));
        foreach (var (file, text) in ((string, string)[])
        [
            ("etc/os-release", "ID=debian\nVERSION_ID=\"12\"\nPRETTY_NAME=\"Debian GNU/Linux 12\"\n"), ("etc/debian_version", "12.1\n"),
            ("etc/fstab", "/dev/sda / ext4 defaults 0 0\n"), ("etc/machine-id", "0123456789abcdef0123456789abcdef\n"),
            ("etc/ssh/ssh_host_rsa_key", "secret"), ("etc/passwd", "root:x:0:0:root:/root:/bin/sh\n"), ("var/log/syslog", "much"),
        ])
            await File.WriteAllTextAsync(Path.Combine(root, file), text);
        await Run("/usr/bin/virt-make-fs", "--type=ext4", "--format=qcow2", "--size=+16M", root, Image);
        var images = new QemuImages(QemuImg, "tcg");
        await images.Do(Guid.NewGuid(), new ImageJob.Seal([new SealImage(Image, DiskFormat.Qcow2)]), _ => { }, CancellationToken.None);
        var left = await Run("/usr/bin/virt-ls", "-a", Image, "-m", "/dev/sda", "-R", "/etc");
        Assert.DoesNotContain("ssh_host", left, StringComparison.Ordinal);
        Assert.Contains("os-release", left, StringComparison.Ordinal);
        // What has no system on it is not sealed, and says so.
        await Size(new ImageJob.Create($"{Image}-2", DiskFormat.Raw, 8 << 20));
        var why = await Assert.ThrowsAsync<ImageWorkException>(() => images.Do(
            Guid.NewGuid(), new ImageJob.Seal([new SealImage($"{Image}-2", DiskFormat.Raw)]), _ => { }, CancellationToken.None));
        Assert.Contains("no operating systems", why.Message, StringComparison.Ordinal);
    }

    private static async Task<string> Run(string program, params string[] words)
    {
        var start = new System.Diagnostics.ProcessStartInfo(program, words) { RedirectStandardOutput = true };
        (start.Environment["LIBGUESTFS_BACKEND"], start.Environment["LIBGUESTFS_BACKEND_SETTINGS"]) = ("direct", "force_tcg");
        using var process = System.Diagnostics.Process.Start(start)!;
        var said = await process.StandardOutput.ReadToEndAsync();
        await process.WaitForExitAsync();
        Assert.Equal(0, process.ExitCode);
        return said;
    }

    private static async Task<long> Size(ImageJob job) =>
        (await new QemuImages(QemuImg).Do(Guid.NewGuid(), job, _ => { }, CancellationToken.None)).Image!.VirtualBytes;

    /// <summary>The first host fell silent, and the second one was asked for the same.</summary>
    [SkippableFact]
    public async Task Of_many_who_have_one_job_all_have_done_it()
    {
        Skip.IfNot(File.Exists(QemuImg), $"{QemuImg} is not there");
        var id = Guid.NewGuid();
        var made = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => Made(new ImageJob.Create(Image, DiskFormat.Qcow2, 1 << 20), id)));
        Assert.All(made, Assert.True);
        Assert.Equal(2, Directory.GetFiles(_folder).Length);
    }

    /// <summary>The agent is killed when the image has its name, and before it has recorded that.</summary>
    [SkippableFact]
    public async Task An_image_whose_agent_died_before_it_could_say_so_is_made()
    {
        Skip.IfNot(File.Exists(QemuImg), $"{QemuImg} is not there");
        var (id, job) = (Guid.NewGuid(), new ImageJob.Create(Image, DiskFormat.Qcow2, 1 << 20));
        var disk = new DyingLog();
        using (var dead = new ImageJobs(disk, new QemuImages(QemuImg), NullLogger.Instance))
        {
            dead.Run(id, job);
            await disk.Died.Task.WaitAsync(TimeSpan.FromSeconds(30));
        }

        var number = Folder.NumberOf(Image);
        using (var next = new ImageJobs(disk.Rest, new QemuImages(QemuImg), NullLogger.Instance))
            Assert.Equal(1 << 20, (await End(next, id, j => next.Run(id, j).Job!, job)).Image!.VirtualBytes);
        using (var elsewhere = new ImageJobs(new MemoryLog(), new QemuImages(QemuImg), NullLogger.Instance))
        {
            Assert.Equal(JobState.Done, (await End(elsewhere, id, j => elsewhere.Run(id, j).Job!, job)).State);
            var other = await End(elsewhere, Guid.NewGuid(), _ => null, job);
            Assert.Equal(JobState.Failed, other.State);
            Assert.Contains("exists already", other.Message, StringComparison.Ordinal);
        }

        Assert.Equal(number, Folder.NumberOf(Image));
    }

    /// <summary>The agent is killed before the image has its name, and meanwhile somebody else has made one.</summary>
    [SkippableFact]
    public async Task An_image_of_somebody_else_is_not_taken_for_ones_own()
    {
        Skip.IfNot(File.Exists(QemuImg), $"{QemuImg} is not there");
        var (id, job) = (Guid.NewGuid(), new ImageJob.Create(Image, DiskFormat.Raw, 1 << 20));
        var draft = Path.Combine(_folder, "draft");
        await File.WriteAllTextAsync(draft, "mine");
        ImageMark.Put(draft, Image, id);
        await File.WriteAllTextAsync(Image, "somebody's");
        Assert.False(await Made(job, id));
        Assert.Equal("somebody's", await File.ReadAllTextAsync(Image));

        var disk = new MemoryLog();
        disk.Append($"{{\"id\":\"{id}\",\"state\":\"running\"}}\t{JsonSerializer.Serialize<ImageJob>(job, AgentJson.Default.ImageJob)}");
        using var next = new ImageJobs(disk, new QemuImages(QemuImg), NullLogger.Instance);
        Assert.Equal(JobState.Lost, (await End(next, id, j => next.Run(id, j).Job!, job)).State);
    }

    /// <summary>Says it until it has ended.</summary>
    private static async Task<JobReport> End(ImageJobs jobs, Guid id, Func<ImageJob, JobReport?> again, ImageJob job)
    {
        jobs.Run(id, job);
        for (var left = 600; jobs.Find(id)!.State == JobState.Running && left > 0; left--) await Task.Delay(50);
        var ended = jobs.Find(id)!;
        Assert.Equal(ended, again(job) ?? ended);
        return ended;
    }

    /// <summary>Takes the order, and no answer any more.</summary>
    private sealed class DyingLog : IAppendLog
    {
        public MemoryLog Rest { get; } = new();

        public TaskCompletionSource Died { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public IEnumerable<string> Read() => Rest.Read();

        public void Append(string line)
        {
            if (line.Contains("\"running\"", StringComparison.Ordinal))
            {
                Rest.Append(line);
                return;
            }

            Died.TrySetResult();
            throw new IOException("the agent is dead");
        }

        public void Replace(IEnumerable<string> lines) => throw new IOException("the agent is dead");

        public void Dispose()
        {
        }
    }

    [Fact]
    public async Task Of_many_who_publish_one_name_one_has_it()
    {
        for (var round = 0; round < 200; round++)
        {
            var drafts = Enumerable.Range(0, 4).Select(i => Path.Combine(_folder, $"draft-{i}")).ToArray();
            foreach (var draft in drafts) await File.WriteAllTextAsync(draft, draft);
            using var start = new Barrier(drafts.Length);
            var published = await Task.WhenAll(drafts.Select(draft => Task.Factory.StartNew(
                () =>
                {
                    start.SignalAndWait();
                    try
                    {
                        Folder.Publish(draft, Image);
                        return draft;
                    }
                    catch (IOException)
                    {
                        return null;
                    }
                },
                TaskCreationOptions.LongRunning)));
            Assert.Equal(Assert.Single(published, draft => draft is not null), await File.ReadAllTextAsync(Image));
            foreach (var file in Directory.GetFiles(_folder)) File.Delete(file);
        }
    }

    [SkippableFact]
    public async Task A_copy_never_replaces_an_image()
    {
        Skip.IfNot(File.Exists(QemuImg), $"{QemuImg} is not there");
        var source = Path.Combine(_folder, "source");
        await File.WriteAllBytesAsync(source, new byte[1 << 16]);
        await File.WriteAllTextAsync(Image, "somebody's");
        Assert.False(await Made(new ImageJob.Copy(source, DiskFormat.Raw, Image, DiskFormat.Raw)));
        Assert.Equal("somebody's", await File.ReadAllTextAsync(Image));
        Assert.Equal([Image, source], Directory.GetFiles(_folder).Order());
    }

    [SkippableFact]
    public async Task What_failed_leaves_nothing()
    {
        Skip.IfNot(File.Exists(QemuImg), $"{QemuImg} is not there");
        var missing = Path.Combine(_folder, "missing");
        Assert.False(await Made(new ImageJob.Copy(missing, DiskFormat.Raw, Image, DiskFormat.Raw)));
        Assert.Empty(Directory.GetFiles(_folder));
    }

    [Fact]
    public async Task With_an_image_goes_what_an_agent_left_that_died_while_it_made_it()
    {
        string[] others = [$"{Image}2", $"{Image}2.0123.part"];
        foreach (var file in (string[])[Image, $"{Image}.0123.part", $"{Image}.0123.made", .. others]) await File.WriteAllTextAsync(file, "");
        await new QemuImages(QemuImg).Do(Guid.NewGuid(), new ImageJob.Delete(Image), _ => { }, CancellationToken.None);
        Assert.Equal(others, Directory.GetFiles(_folder).Order());
    }

    private static async Task<bool> Made(ImageJob job, Guid? id = null)
    {
        try
        {
            await new QemuImages(QemuImg).Do(id ?? Guid.NewGuid(), job, _ => { }, CancellationToken.None);
            return true;
        }
        catch (ImageWorkException)
        {
            return false;
        }
    }
}
