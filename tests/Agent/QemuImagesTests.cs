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
        Assert.Equal([Image], Directory.GetFiles(_folder));
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
        foreach (var file in (string[])[Image, $"{Image}.0123.part", .. others]) await File.WriteAllTextAsync(file, "");
        await new QemuImages(QemuImg).Do(new ImageJob.Delete(Image), _ => { }, CancellationToken.None);
        Assert.Equal(others, Directory.GetFiles(_folder).Order());
    }

    private static async Task<bool> Made(ImageJob job)
    {
        try
        {
            await new QemuImages(QemuImg).Do(job, _ => { }, CancellationToken.None);
            return true;
        }
        catch (ImageWorkException)
        {
            return false;
        }
    }
}
