using System.Net;
using System.Security.Cryptography;
using Orchestrator.Agent.Protocol;

namespace Orchestrator.Host.Node;

/// <summary>What a new host does to come in. Each step looks at what is there already, so that it can be cut anywhere and said
/// again.</summary>
internal sealed class HostJoin(HostPlaces places, TextWriter say)
{
    public async Task Run(JoinWish wish, CancellationToken cancel)
    {
        Folders();
        var keys = new HostKeys(places.Files);
        keys.Recover();
        if (IsIn(keys, wish.Token)) await say.WriteLineAsync($"The certificate of this host is there: {keys.Report().Subject}.");
        else await Ask(keys, wish, cancel);
        if (Configure(wish)) await say.WriteLineAsync($"{places.Config} is written.");
        else await say.WriteLineAsync($"{places.Config} is there and stays as it is.");
        if (wish.Start == AgentStart.No) return;
        var process = new AgentProcess(places);
        await say.WriteLineAsync(wish.Start == AgentStart.Anew ? await process.Restart(cancel) : await process.Start(cancel));
        await process.Listens(wish.Port, cancel);
        await say.WriteLineAsync($"The agent listens at port {wish.Port}. The engine takes the host up within seconds.");
    }

    private bool IsIn(HostKeys keys, JoinToken token)
    {
        if (keys.HasNext || !File.Exists(places.Token) || File.ReadAllText(places.Token).Trim() != token.Id) return false;
        try
        {
            var credentials = places.Files.Load();
            return PeerCertificate.Refuse(credentials.Own, credentials.Authorities, PeerCertificate.AgentRole) is null;
        }
        catch (CryptographicException)
        {
            return false;
        }
    }

    private async Task Ask(HostKeys keys, JoinWish wish, CancellationToken cancel)
    {
        var request = keys.Ask(wish.Name);
        await File.WriteAllTextAsync(places.Token, wish.Token.Id, cancel);
        UsageException? last = null;
        foreach (var engine in wish.Engines)
        {
            var address = new EngineAddress(engine, wish.Token);
            try
            {
                var answer = await address.Join(new JoinRequest(
                    wish.Token.Id, wish.Token.Secret, wish.Name, wish.Address ?? await address.OwnAddress(cancel), wish.Port, request), cancel);
                keys.Take(answer.Certificate, answer.Authorities);
                await say.WriteLineAsync($"The engine knows this host as {answer.Name} ({answer.Host}).");
                return;
            }
            catch (UsageException e)
            {
                last = e;
            }
        }

        throw last ?? new UsageException("--engine names no engine");
    }

    private void Folders()
    {
        foreach (var folder in (string[])[places.Settings, places.State, places.Run]) Directory.CreateDirectory(folder);
        Directory.CreateDirectory(places.Keys, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
    }

    /// <summary>What an operator has changed since stays.</summary>
    private bool Configure(JoinWish wish)
    {
        if (File.Exists(places.Config)) return false;
        var draft = $"{places.Config}.draft";
        File.WriteAllText(draft, $$"""
            # The agent of this host. Written by 'orchestrator host join'; it does not write it again, so change what you like.
            # Keys and their meaning: hocon/node.conf and hocon/agent.conf of the engine's documentation.
            orchestrator {
              name = "{{wish.Name}}"
              roles = ["agent"]
              tls {
                ca = "{{places.Files.Authorities}}"
                certificate = "{{places.Files.Certificate}}"
                key = "{{places.Files.Key}}"
              }
              agent {
                port = {{wish.Port}}
                state-folder = "{{places.State}}"
                run-folder = "{{places.Run}}"
                migration-address = "{{(IPAddress.TryParse(wish.Address, out _) ? wish.Address : "")}}"
              }
            }
            {{string.Join('\n', wish.Settings)}}

            """);
        File.Move(draft, places.Config, overwrite: true);
        return true;
    }
}

/// <summary>Anew: one that runs, too, so that it is of this version.</summary>
internal enum AgentStart { No, Yes, Anew }

/// <param name="Engines">Asked one after the other.</param>
/// <param name="Address">Null: the one that leads to the engine.</param>
/// <param name="Settings">Lines KEY = VALUE for the agent's configuration.</param>
internal sealed record JoinWish(
    IReadOnlyList<Uri> Engines, JoinToken Token, string Name, string? Address, int Port, IReadOnlyList<string> Settings, AgentStart Start);
