using System.ComponentModel;
using System.Diagnostics;

namespace Orchestrator.Agent.Protocol;

/// <summary>How a program ended and what it said.</summary>
public sealed record ProgramEnd(int ExitCode, string Output, string Errors)
{
    private const int MostWords = 400;

    /// <summary>All that it said, in one line of at most 400 characters, for a result or a log.</summary>
    public string Words => InOneLine($"{Output} {Errors}");

    public static string InOneLine(string text)
    {
        var words = string.Join(' ', text.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries));
        return words.Length > MostWords ? words[..MostWords] : words;
    }
}

/// <summary>Runs a program that says little and ends soon.</summary>
public static class ShortProgram
{
    /// <param name="input">For its standard input, which is closed then. A program need not read it.</param>
    /// <param name="environment">All that it has; null: that of this process.</param>
    /// <exception cref="IOException">It cannot be run.</exception>
    /// <exception cref="OperationCanceledException">It was cancelled: the program and its children are ended.</exception>
    public static async Task<ProgramEnd> Run(
        string program, IReadOnlyList<string> arguments, string input, CancellationToken cancel,
        IReadOnlyDictionary<string, string>? environment = null)
    {
        using var process = Start(program, arguments, environment);
        try
        {
            var output = process.StandardOutput.ReadToEndAsync(cancel);
            var errors = process.StandardError.ReadToEndAsync(cancel);
            await Feed(process, input, cancel);
            await process.WaitForExitAsync(cancel);
            return new ProgramEnd(process.ExitCode, await output, await errors);
        }
        catch (OperationCanceledException)
        {
            process.Kill(entireProcessTree: true);
            await process.WaitForExitAsync(CancellationToken.None);
            throw;
        }
    }

    private static Process Start(
        string program, IReadOnlyList<string> arguments, IReadOnlyDictionary<string, string>? environment)
    {
        var start = new ProcessStartInfo(program, arguments)
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            UseShellExecute = false,
        };
        if (environment is not null)
        {
            start.Environment.Clear();
            foreach (var (name, value) in environment) start.Environment[name] = value;
        }

        try
        {
            return Process.Start(start) ?? throw new IOException($"{program} could not be started");
        }
        catch (Win32Exception e)
        {
            throw new IOException($"{program} could not be run: {e.Message}", e);
        }
    }

    private static async Task Feed(Process process, string input, CancellationToken cancel)
    {
        try
        {
            await process.StandardInput.WriteAsync(input.AsMemory(), cancel);
            process.StandardInput.Close();
        }
        catch (IOException)
        {
            // It ended without reading; its exit code and words say why.
        }
    }
}
