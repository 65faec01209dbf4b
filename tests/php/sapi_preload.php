<?php
// Loaded once, by opcache.preload, before any child is forked.
function preloaded(): string
{
	return 'preloaded';
}
