using System.Globalization;
using Orchestrator.Agent.Ledgers;

namespace Orchestrator.Agent.Storage;

/// <summary>
/// Says which job has made an image: IMAGE.JOB-….made beside it holds the number of the file that the job made. It is there
/// before the file has its name, so that an agent that dies in between, or its answer that nobody hears, leaves no doubt
/// whether the job is done. An image that has come in another way has another number.
/// </summary>
internal static class ImageMark
{
    private const string Ending = ".made";

    /// <summary>Of a draft that is about to become the image.</summary>
    /// <returns>Its path.</returns>
    public static string Put(string draft, string image, Guid job)
    {
        var mark = $"{image}.{job:N}-{Guid.NewGuid():N}{Ending}";
        using (var file = new FileStream(mark, FileMode.CreateNew, FileAccess.Write))
        {
            file.Write(System.Text.Encoding.ASCII.GetBytes(Folder.NumberOf(draft).ToString(CultureInfo.InvariantCulture)));
            file.Flush(flushToDisk: true);
        }

        return mark;
    }

    /// <exception cref="IOException">The storage does not answer.</exception>
    public static bool IsOn(string image, Guid job)
    {
        if (!File.Exists(image)) return false;
        var number = Folder.NumberOf(image).ToString(CultureInfo.InvariantCulture);
        return Directory.GetFiles(Path.GetDirectoryName(image)!, $"{Path.GetFileName(image)}.{job:N}-*{Ending}")
            .Any(mark => File.ReadAllText(mark) == number);
    }

    public static void Delete(string image)
    {
        foreach (var mark in Directory.GetFiles(Path.GetDirectoryName(image)!, $"{Path.GetFileName(image)}.*{Ending}")) File.Delete(mark);
    }
}
