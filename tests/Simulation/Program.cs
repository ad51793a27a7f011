Console.Error.WriteLine("The simulator is not here yet.");
return 2;
