using System.Globalization;
using Orchestrator.Tests.Simulation;

return CommandLine.Run(args);
