/** Readable ids: `amber-otter-x7k2m9q4`. */
import { pick, randomLetters } from "#functions/runtime/random.ts";

/** 3 to 12 of a-z, easy to say and to spell; nothing that could hurt beside any animal. */
export const COLOURS =
  `amber apricot aqua azure beige blue bronze brown cobalt copper coral cream crimson cyan denim emerald fawn fuchsia
  golden green grey hazel indigo ivory jade khaki lavender lemon lilac lime magenta mauve mint mustard navy ochre olive
  orange peach pearl pink plum purple red rose ruby russet saffron sand sapphire scarlet sepia silver tan teal topaz
  turquoise umber violet white yellow`.split(/\s+/);

export const ANIMALS =
  `alpaca antelope badger beaver bison bittern buffalo camel caribou cheetah chinchilla condor cormorant crane cricket
  curlew deer dolphin dormouse dragonfly duck eagle egret elk falcon ferret finch flamingo fox gazelle gecko giraffe
  goldfinch goose grebe grouse gull hare harrier hawk hedgehog heron hoopoe horse ibex ibis jackdaw jaguar kestrel
  kingfisher kite koala lapwing lark lemur leopard linnet llama lynx magpie manatee marten meerkat mole moose newt
  nightjar ocelot okapi oriole osprey otter owl panda panther partridge pelican penguin pheasant plover pony puffin
  quail rabbit raven robin salmon sandpiper seal skylark sparrow squirrel starling stoat stork swallow swan swift tapir
  tern tiger tortoise toucan turtle vole wagtail walrus weasel wombat wren zebra`.split(/\s+/);

export function makeWorkspaceId(): string {
  return `${pick(COLOURS)}-${pick(ANIMALS)}-${randomLetters(8)}`;
}
