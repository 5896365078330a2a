"""In time: after the bias is switched on or the lead is reversed."""
